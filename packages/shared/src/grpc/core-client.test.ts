import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { CommandGroup, GroupResult } from '@timers/proto/timers/core/v1/core.ts'
import { Directory } from '../cluster/directory.ts'
import { partitionOf } from '../partition-of.ts'
import { createSystemClock } from '../system-clock.ts'
import { FakeNode, type Deed } from '../test/fake-node.ts'
import { quiet } from '../test/quiet.ts'
import type { Command } from '../timer/command.ts'
import type { CommandResult } from '../timer/results.ts'
import type { Timer } from '../timer/timer.ts'
import { resultToWire } from '../wire/command-wire.ts'
import type { CoreClient } from './core-client.ts'
import { openCoreClient } from './open-core-client.ts'

const partitionCount = 4
const clock = createSystemClock()
const within = (ms: number): number => Date.now() + ms

/** Each done, by an event of which the sequence is its n. */
const done = ({ partition, commands }: CommandGroup): Partial<GroupResult> => ({
  results: commands.map(({ n, timerId }) => resultToWire(n, doneAs(timerId, partition, n))),
})
const refused = (code: 'unavailable' | 'wrong_state') => {
  return ({ partition, commands }: CommandGroup): Partial<GroupResult> => ({
    results: commands.map(({ n }) =>
      resultToWire(n, { ok: false, refusal: { code, detail: '' }, partition, sequence: 0 }),
    ),
  })
}
const notOwner = ({ commands }: CommandGroup): Partial<GroupResult> => ({
  notOwner: { to: '' },
  unanswered: commands.map(({ n }) => n),
})

const unread = { code: 'unavailable', detail: 'The timers could not be read.' }

function doneAs(timerId: string, partition: number, sequence: number): CommandResult {
  const timer = {
    ...{ tenantId: 'default', timerId, version: 1, state: 'idle', title: '', durationMs: 1, remainingMs: 1 },
    ...{ deadlineMs: null, labels: {}, metadata: '', retentionMs: 0, createdAtMs: 0, updatedAtMs: 0 },
    ...{ completedAtMs: null, completedBy: null },
  } as const satisfies Timer
  return { ok: true, type: 'started', timer, partition, sequence }
}

function command(timerId: string): Command {
  const actor = { type: 'operator', id: 'local' } as const
  return { tenantId: 'default', timerId, operation: { op: 'start' }, actor, requestId: 'r' }
}

/** Ids of timers of this partition. */
function idsOf(partition: number, count: number): string[] {
  const ids = Array.from({ length: 1000 }, (_, i) => `t${i}`)
  return ids.filter((id) => partitionOf('default', id, partitionCount) === partition).slice(0, count)
}

function codes(results: readonly CommandResult[]): string[] {
  return results.map((result) => (result.ok ? 'done' : result.refusal.code))
}

describe('the client of the core', () => {
  let directory: Directory
  let client: CoreClient
  let nodes: AsyncDisposableStack
  beforeEach(() => {
    directory = new Directory({ deadAfterMs: 60_000 })
    client = openCoreClient({ partitionCount }, { directory, clock, logger: quiet, random: Math.random })
    nodes = new AsyncDisposableStack()
  })
  afterEach(async () => {
    await client[Symbol.asyncDispose]()
    await nodes.disposeAsync()
  })
  const node = async (name: string, deed: (group: CommandGroup) => Deed): Promise<FakeNode> =>
    nodes.use(await new FakeNode(name, deed).start())
  let beats = 0
  const owns = ({ name, address }: FakeNode, ...partitions: readonly number[]): void => {
    beats += 1
    directory.hear(
      {
        ...{ name, incarnation: '1', role: 'timer-core', address, dataId: 'd', leaving: false },
        owned: partitions.map((partition) => ({ partition, sequence: beats, term: `${beats}` })),
      },
      clock.monotonicMs(),
    )
  }

  it('sends each command to its owner, one group a partition, and gives the results in their order', async () => {
    const [a, b] = [await node('a', done), await node('b', done)]
    owns(a, 0, 1)
    owns(b, 2, 3)
    const ids = [3, 0, 3, 1, 0].flatMap((partition, i) => idsOf(partition, i + 1).slice(i))
    const results = await client.execute(ids.map(command), within(5000))
    assert.deepEqual(
      results.map((result) => result.ok && result.timer.timerId),
      ids,
    )
    assert.deepEqual(a.heard.map(({ partition }) => partition).sort(), [0, 1])
    assert.deepEqual(
      b.heard.map(({ partition }) => partition),
      [3],
    )
    assert.deepEqual(b.ns, [[1, 2]])
    assert.equal(client.inFlight, 0)
  })

  it('says how far its commands have their results', async () => {
    const a = await node('a', done)
    owns(a, 0)
    const [one = '', two = ''] = idsOf(0, 2)
    await client.execute([command(one)], within(5000))
    await client.execute([command(two)], within(5000))
    a.deed = () => 'keep'
    void client.execute([command(one)], within(1000))
    await until(() => a.heard.length === 3)
    a.deed = done
    await client.execute([command(two)], within(5000))
    assert.deepEqual(
      a.heard.map(({ answeredBelow }) => answeredBelow),
      [1, 2, 3, 3],
    )
  })

  it('sends to the next owner what one does not own, under the same n', async () => {
    const [a, b] = [await node('a', notOwner), await node('b', done)]
    owns(a, 0)
    a.deed = (group) => {
      owns(b, 0)
      return notOwner(group)
    }
    const results = await client.execute(idsOf(0, 3).map(command), within(5000))
    assert.deepEqual(codes(results), ['done', 'done', 'done'])
    assert.deepEqual(a.ns, [[1, 2, 3]])
    assert.deepEqual(b.ns, [[1, 2, 3]])
    assert.equal(a.heard[0]?.session, b.heard[0]?.session)
  })

  it('sends again what was lost with its stream, under the same n', async () => {
    const a = await node('a', () => 'lose')
    owns(a, 0)
    a.deed = () => {
      a.deed = done
      return 'lose'
    }
    assert.deepEqual(codes(await client.execute(idsOf(0, 2).map(command), within(5000))), ['done', 'done'])
    assert.deepEqual(a.ns, [
      [1, 2],
      [1, 2],
    ])
  })

  it('sends on at once what waits on a node that is gone', async () => {
    const [a, b] = [await node('a', () => 'keep'), await node('b', done)]
    owns(a, 0)
    const executed = client.execute(idsOf(0, 1).map(command), within(10_000))
    await until(() => a.heard.length === 1)
    directory.hear(
      {
        ...{ name: 'a', incarnation: '1', role: 'timer-core', address: a.address, dataId: 'd' },
        ...{ owned: [], leaving: true },
      },
      clock.monotonicMs(),
    )
    owns(b, 0)
    assert.deepEqual(codes(await executed), ['done'])
  })

  it('knows that nothing was done of what nobody got', async () => {
    const results = await client.execute(idsOf(0, 2).map(command), within(200))
    assert.deepEqual(codes(results), ['unavailable', 'unavailable'])
  })

  it('never says that nothing was done of what may have been', async () => {
    const a = await node('a', () => 'lose')
    owns(a, 0)
    assert.deepEqual(codes(await client.execute(idsOf(0, 1).map(command), within(300))), ['outcome_unknown'])
    a.deed = () => 'keep'
    assert.deepEqual(codes(await client.execute(idsOf(0, 1).map(command), within(300))), ['outcome_unknown'])
    a.deed = (group) => ({ ...notOwner(group), mayBeDone: true })
    assert.deepEqual(codes(await client.execute(idsOf(0, 1).map(command), within(300))), ['outcome_unknown'])
    // What a second owner refuses to take says nothing about the first.
    a.deed = () => {
      a.deed = refused('unavailable')
      return 'lose'
    }
    assert.deepEqual(codes(await client.execute(idsOf(0, 1).map(command), within(300))), ['outcome_unknown'])
  })

  it('takes the word of an owner for what is refused', async () => {
    const a = await node('a', refused('wrong_state'))
    owns(a, 0)
    assert.deepEqual(codes(await client.execute(idsOf(0, 2).map(command), within(5000))), [
      'wrong_state',
      'wrong_state',
    ])
    a.deed = refused('unavailable')
    assert.deepEqual(codes(await client.execute(idsOf(0, 1).map(command), within(5000))), ['unavailable'])
    assert.equal(a.heard.length, 2)
    a.deed = () => {
      a.deed = refused('wrong_state')
      return 'lose'
    }
    assert.deepEqual(codes(await client.execute(idsOf(0, 1).map(command), within(5000))), ['wrong_state'])
  })

  it('asks no longer when nobody wants to know', async () => {
    const a = await node('a', done)
    const gone = new AbortController()
    const query = { tenantId: 'default', timerId: idsOf(0, 1)[0] ?? '', afterVersion: 1, waitMs: 60_000 }
    const asked = client.get(query, within(60_000), gone.signal)
    owns(a, 0)
    await until(() => a.reads === 1)
    gone.abort()
    assert.equal((await asked).ok, false)
    await until(() => a.reads === 0)
    const startedAtMs = performance.now()
    assert.equal((await client.get(query, within(60_000), gone.signal)).ok, false)
    assert.ok(performance.now() - startedAtMs < 5000)
  })

  it('does not tell where a node could not be reached', async () => {
    const a = await node('a', done)
    owns(a, 0)
    await a[Symbol.asyncDispose]()
    const query = { tenantId: 'default', partitions: [0], selection: { all: true }, limit: 1 } as const
    const pages = client.scan(query, within(300))[Symbol.asyncIterator]()
    await assert.rejects(pages.next(), { refusal: { ...unread, retryAfterMs: 500 } })
  })

  it('sends again only what has no result', async () => {
    const a = await node('a', () => 'keep')
    owns(a, 0)
    a.deed = (group) => {
      a.deed = done
      const [first] = done(group).results ?? []
      return { ...notOwner(group), results: first ? [first] : [], unanswered: [2, 3] }
    }
    assert.deepEqual(codes(await client.execute(idsOf(0, 3).map(command), within(5000))), [
      'done',
      'done',
      'done',
    ])
    assert.deepEqual(a.ns, [
      [1, 2, 3],
      [2, 3],
    ])
  })
})

async function until(holds: () => boolean): Promise<void> {
  const untilMs = performance.now() + 10_000
  while (!holds()) {
    assert.ok(performance.now() < untilMs, 'it did not come to be')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
