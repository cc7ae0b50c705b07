// When a partition answers, on a log in memory and a clock that goes on by hand.

import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { beforeEach, describe, it } from 'node:test'
import { recordFormat } from '@timers/shared/log/record.ts'
import type { Operation, SentCommand } from '@timers/shared/timer/command.ts'
import { MemoryLog, openPartition } from '../../test/memory-log.ts'
import { packing } from '../../test/timers.ts'
import { VirtualClock } from '../../test/virtual-clock.ts'
import type { GroupOutcome } from './mailbox.ts'
import type { Partition } from './partition.ts'
import type { GetOutcome } from './reads.ts'

const put = (durationMs: number, autostart = false): Operation => ({
  ...{ op: 'put', durationMs, autostart, title: '', labels: {}, metadata: '', retentionMs: 0 },
})

describe('a partition', () => {
  let clock: VirtualClock
  let log: MemoryLog
  let mine: boolean
  /** False: a bug. */
  let packs: boolean
  let knowsTime: boolean
  /** Of the partitions that ended. */
  let faults: unknown[]
  let partition: Partition
  let n: number
  beforeEach(() => {
    clock = new VirtualClock()
    log = new MemoryLog(clock)
    mine = packs = knowsTime = true
    clock.errorMs = () => (knowsTime ? 0 : Infinity)
    faults = []
    n = 0
    partition = open('me')
  })
  const open = (node: string): Partition =>
    openPartition(node, log, clock, {
      packing: {
        ...packing,
        pack: (timer) => {
          if (!packs) throw new Error('cannot be packed')
          return packing.pack(timer)
        },
      },
      mine: () => mine,
      ended: (fault) => faults.push(fault),
    })
  /** Time goes on by so much, in small steps, and what follows from it happens. */
  const pass = async (ms = 0): Promise<void> => {
    for (let left = ms; ; left -= 250) {
      clock.pass(Math.max(0, Math.min(250, left)))
      for (let turns = 0; turns < 5; turns += 1) {
        await turn()
        clock.pass(0)
      }
      if (left <= 250) return
      partition.tick()
    }
  }
  const submit = (timerId: string, operation: Operation): { outcome?: GroupOutcome } => {
    n += 1
    const actor = { type: 'operator', id: 'local' } as const
    const notAfterMs = clock.nowMs() + 20_000
    const command: SentCommand = {
      ...{ tenantId: 'default', timerId, n, operation, actor, requestId: `r${n}`, notAfterMs },
    }
    const told: { outcome?: GroupOutcome } = {}
    partition.submit({ session: 's', answeredBelow: 0, commands: [command] }, (outcome) => {
      told.outcome = outcome
    })
    return told
  }
  const codeOf = ({ outcome }: { outcome?: GroupOutcome }): string | undefined => {
    if (outcome === undefined) return undefined
    const result = outcome.results[0]?.result
    return result === undefined ? 'not owner' : result.ok ? (result.type ?? 'no-op') : result.refusal.code
  }
  const get = (timerId: string, afterVersion?: number, waitMs = 0): { outcome?: GetOutcome } => {
    const told: { outcome?: GetOutcome } = {}
    void partition.get({ tenantId: 'default', timerId, afterVersion, waitMs }).then((outcome) => {
      told.outcome = outcome
    })
    return told
  }
  const kindOf = ({ outcome }: { outcome?: GetOutcome }): string | undefined =>
    outcome?.kind === 'refused' ? outcome.refusal.code : outcome?.kind
  const own = async (): Promise<void> => {
    void partition.acquire()
    await pass()
    const created = submit('a', put(5000))
    await pass()
    assert.equal(codeOf(created), 'created')
  }
  const takeOverByOther = (): void => {
    const body = { kind: 'takeover', dataId: 'd', partitionCount: 1 } as const
    log.store({ format: recordFormat, term: 'other-1', owner: 'other', snapshotAt: 0, body })
  }

  it('answers reads from memory for a second after an append, then after one Beat for all, and stops', async () => {
    await own()
    await pass(900)
    const [found, none] = [get('a'), get('b')]
    await turn()
    assert.deepEqual([kindOf(found), kindOf(none)], ['found', 'not_found'])
    assert.deepEqual(log.kinds, ['takeover', 'batch'])

    await pass(100)
    let answer = (): void => undefined
    log.answers = new Promise((resolve) => (answer = resolve))
    const reads = [get('a'), get('b'), get('a')]
    const scanned = partition.scan('default', { prefix: '' })
    await pass()
    const late = get('b')
    await pass()
    assert.deepEqual(log.kinds, ['takeover', 'batch', 'beat'])
    assert.ok([...reads, late].every(({ outcome }) => outcome === undefined))
    answer()
    await pass()
    assert.deepEqual([...reads, late].map(kindOf), ['found', 'not_found', 'found', 'not_found'])
    assert.equal([...((await scanned) ?? [])][0]?.timers.length, 1)
    await pass(30_000)
    assert.equal(log.stored.length, 3)
  })

  it('goes by the wall clock where that went on faster', async () => {
    await own()
    clock.wallAheadMs = 10_000
    const read = get('a')
    await turn()
    assert.equal(kindOf(read), undefined)
    await pass()
    assert.equal(kindOf(read), 'found')
    assert.deepEqual(log.kinds, ['takeover', 'batch', 'beat'])
  })

  it('answers what changes nothing under the same rule, all by one record', async () => {
    await own()
    const told = [submit('a', { op: 'pause' }), submit('b', { op: 'start' })]
    await pass()
    assert.deepEqual(told.map(codeOf), ['no-op', 'not_found'])
    assert.equal(log.stored.length, 2)
    await pass(1000)
    const later = [submit('a', { op: 'pause' }), submit('b', { op: 'start' })]
    await pass()
    assert.deepEqual(later.map(codeOf), ['no-op', 'not_found'])
    assert.deepEqual(log.kinds, ['takeover', 'batch', 'beat'])
  })

  it('tells nothing of an old state once another has taken over', async () => {
    await own()
    await pass(10_000)
    takeOverByOther()
    mine = false
    const reads = [get('a'), get('b')]
    const commands = [submit('a', { op: 'pause' }), submit('b', { op: 'start' })]
    await pass()
    await pass(2500)
    for (const { outcome } of reads) assert.deepEqual(outcome, { kind: 'notOwner', owner: undefined })
    assert.deepEqual(commands.map(codeOf), ['not owner', 'not owner'])
    assert.deepEqual(log.kinds, ['takeover', 'batch', 'takeover'])
  })

  it('tells a read that waited long enough as it is, after a Beat', async () => {
    await own()
    const waiting = get('a', 1, 5000)
    await pass(4900)
    assert.equal(kindOf(waiting), undefined)
    await pass(600)
    assert.equal(kindOf(waiting), 'found')
    assert.deepEqual(log.kinds, ['takeover', 'batch', 'beat'])
  })

  it('says at once that it is not to be had when nobody has owned it for 3 s, and not before', async () => {
    await own()
    await pass(2000)
    log.isSilent = true
    const staged = submit('a', put(1))
    await pass()
    const unstaged = submit('b', put(1))
    const read = get('a')
    await pass(2900)
    assert.deepEqual([codeOf(staged), codeOf(unstaged), kindOf(read)], [undefined, undefined, undefined])
    await pass(500)
    assert.deepEqual([codeOf(staged), codeOf(unstaged)], [undefined, 'unavailable'])
    assert.equal(kindOf(read), 'unavailable')
    const [late, lateRead] = [submit('c', put(1)), get('c')]
    await turn()
    assert.equal(codeOf(late), 'unavailable')
    assert.equal(kindOf(lateRead), 'unavailable')
  })

  it('answers nothing while the owner before may, but fires what is due', async () => {
    await own()
    submit('ticking', put(100, true))
    await pass()
    partition = open('next')
    await pass(200)
    void partition.acquire()
    await pass()
    const told = [submit('a', { op: 'pause' }), submit('a', put(7)), submit('ticking', { op: 'reset' })]
    const read = get('a')
    await pass(700)
    assert.equal(partition.state.get('default', 'ticking')?.state, 'completed')
    assert.deepEqual([...told.map(codeOf), kindOf(read)], [undefined, undefined, undefined, undefined])
    await pass(200)
    assert.deepEqual(told.map(codeOf), ['no-op', 'replaced', 'reset'])
    assert.equal(kindOf(read), 'found')
  })

  it('tells a repeat only then as well', async () => {
    await own()
    partition = open('next')
    void partition.acquire()
    await pass()
    n = 0
    const again = submit('a', put(5000))
    await pass(900)
    assert.equal(codeOf(again), undefined)
    await pass(200)
    assert.equal(codeOf(again), 'created')
    assert.deepEqual(
      log.kinds.filter((kind) => kind === 'batch'),
      ['batch'],
    )
  })

  it('ends, and says why, when what the log has cannot be applied; what was staged may be done', async () => {
    await own()
    packs = false
    const [staged, waiting] = [submit('b', put(1)), submit('c', put(2))]
    await pass()
    assert.equal(partition.closed, true)
    assert.match(String(faults), /cannot be packed/)
    assert.deepEqual([codeOf(staged), codeOf(waiting)], ['not owner', 'not owner'])
    assert.equal(staged.outcome?.mayBeDone, true)
    assert.equal(kindOf(get('a')), undefined)
  })

  it('is not announced while work waits and nothing gets on', async () => {
    await own()
    knowsTime = false
    submit('a', put(1))
    await pass(2500)
    assert.equal(partition.announced, true)
    await pass(1000)
    assert.deepEqual([partition.announced, partition.serving], [false, true])
    knowsTime = true
    await pass(1000)
    assert.equal(partition.announced, true)
  })

  it('refuses reads when the log takes not even a Beat', async () => {
    await own()
    await pass(1000)
    log.isFull = true
    const read = get('a')
    await pass()
    assert.equal(kindOf(read), 'unavailable')
    assert.equal(partition.serving, true)
  })
})
