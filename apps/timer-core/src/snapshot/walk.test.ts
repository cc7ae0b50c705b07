// The rule that a snapshot taken while events go on, and the log behind it, add up to what the whole log does.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { LogRecord, RecordEvent } from '@timers/shared/log/record.ts'
import { recordFormat } from '@timers/shared/log/record.ts'
import { partBytesMost, type SnapshotPart } from '@timers/shared/log/snapshot.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'
import { snapshotCodec } from '@timers/shared/wire/snapshot-wire.ts'
import { createPacking } from '@timers/shared/wire/timer-wire.ts'
import { SnapshotMemory } from '../../test/snapshot-memory.ts'
import { baseMs, eventOf, idle, running } from '../../test/timers.ts'
import { Ledger, SnapshotFaultError } from '../partition/ledger.ts'
import { loadSnapshot } from './load.ts'
import { walkLedger } from './walk.ts'

const options = { partition: 0, partitionCount: 1, dataId: 'data' }
const packing = createPacking()
const freshLedger = (head?: ReturnType<Ledger['head']>): Ledger => new Ledger(options, packing, head)

/** A log that is written event by event as the service would: versions grow, a new timer starts above the floor. */
class Writer {
  readonly records: LogRecord[] = []
  readonly ledger = freshLedger()
  #n = 0

  constructor() {
    this.append({ kind: 'takeover', dataId: 'data', partitionCount: 1 })
  }

  append(body: LogRecord['body'], term = 't'): void {
    const snapshotAt = this.ledger.snapshotAt
    const record = { format: recordFormat, term, owner: 'o', snapshotAt, body }
    this.records.push(record)
    this.ledger.apply({ sequence: this.records.length, record })
  }

  batch(events: readonly RecordEvent[], answered: number[] = []): void {
    const nowMs = baseMs + this.records.length * 1000
    const keys = answered.map((number) => ({
      digest: new Uint8Array(16).fill(number),
      body: new Uint8Array(8),
      status: 200,
      version: number,
    }))
    this.append({ kind: 'batch', nowMs, events, ...(keys.length > 0 && { answered: keys }) })
  }

  change(timerId: string, how: 'run' | 'stop' | 'delete', session = 's'): void {
    const { state } = this.ledger
    const before = state.get('default', timerId)
    if (before === undefined && how === 'delete') return
    const version = (before?.version ?? state.versionFloor) + 1
    const more = { version, title: `v${version}` }
    const timer: Timer = how === 'run' ? running(timerId, baseMs + version, more) : idle(timerId, more)
    const type = how === 'delete' ? 'deleted' : before === undefined ? 'created' : 'updated'
    this.#n += 1
    this.batch([{ ...eventOf(type, timer, `r${version}`), session, n: this.#n }])
  }
}

/** All that a partition is, in an order of its own. */
function contents(ledger: Ledger): unknown {
  const { state, repeats, answered } = ledger
  const timers = [...state.timersOf('default')].map((timer) => ({
    ...timer,
    setBy: state.deadlineSetBy('default', timer.timerId),
  }))
  const byId = (one: { timerId: string }, other: { timerId: string }): number =>
    one.timerId < other.timerId ? -1 : 1
  return {
    timers: timers.sort(byId),
    floor: state.versionFloor,
    sequence: state.sequence,
    term: ledger.term,
    due: state.overdue(baseMs + 1e9),
    snapshotAt: ledger.snapshotAt,
    results: [...repeats.walkResults()].map(({ session, n, result }) => [session, n, result]).sort(),
    answered: [...answered.walk()],
  }
}

async function store(parts: readonly SnapshotPart[], sequence: number) {
  const memory = new SnapshotMemory()
  let crc = 0
  for (const [number, part] of parts.entries()) {
    const bytes = snapshotCodec.encode(part)
    assert.ok(bytes.length <= partBytesMost)
    crc = snapshotCodec.crc(bytes, crc)
    await memory.write(0, sequence, number, bytes)
  }
  return { memory, named: { sequence, parts: parts.length, crc } }
}

async function recovered(memory: SnapshotMemory, sequence: number, records: readonly LogRecord[]) {
  const ledger = await loadSnapshot(0, sequence, { snapshots: memory.source, freshLedger })
  for (const [i, record] of records.entries()) {
    if (i + 1 > sequence) ledger.replay({ sequence: i + 1, storedAtMs: 0, record })
  }
  return ledger
}

const change = fc.tuple(
  fc.nat(5).map((id) => `t${id}`),
  fc.constantFrom('run' as const, 'stop' as const, 'delete' as const),
)

describe('a snapshot', () => {
  it('walked while timers change, and the log behind it, are what the whole log is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { maxLength: 30 }),
        fc.array(fc.tuple(change, fc.nat(3)), { maxLength: 30 }),
        fc.array(change, { maxLength: 10 }),
        async (before, during, after) => {
          const writer = new Writer()
          for (const [id, how] of before) writer.change(id, how)
          const { sequence } = writer.ledger
          const parts: SnapshotPart[] = []
          // Every single item is a step here: events come between any two.
          const walk = walkLedger(writer.ledger, (timer) => packing.pack(timer), { partBytes: 1 })
          const step = (): boolean => {
            const { done, value } = walk.next()
            if (value !== undefined) parts.push(value)
            return done !== true
          }
          // The walk has begun.
          step()
          for (const [[id, how], steps] of during) {
            writer.change(id, how)
            for (let i = 0; i < steps; i += 1) step()
          }
          while (step());
          const { memory, named } = await store(parts, sequence)
          writer.append({ kind: 'snapshotTaken', ...named })
          for (const [id, how] of after) writer.change(id, how)

          const ledger = await recovered(memory, sequence, writer.records)
          assert.equal(ledger.isNamed, true)
          assert.deepEqual(contents(ledger), contents(writer.ledger))
        },
      ),
      { numRuns: 500 },
    )
  })

  const taken = async (writer: Writer) => {
    const { sequence } = writer.ledger
    const parts = [...walkLedger(writer.ledger, (timer) => packing.pack(timer))]
    const stored = await store(
      parts.filter((part) => part !== undefined),
      sequence,
    )
    return { ...stored, sequence }
  }

  it('carries the term, the floor, results, what need not be known any more, and answered keys', async () => {
    const writer = new Writer()
    writer.change('a', 'run')
    writer.change('b', 'stop')
    writer.change('a', 'delete')
    writer.batch([], [7, 8])
    writer.ledger.repeats.answeredBelow('s', 2, baseMs)
    const { memory, named, sequence } = await taken(writer)
    writer.append({ kind: 'snapshotTaken', ...named })
    const ledger = await recovered(memory, sequence, writer.records)
    assert.deepEqual(contents(ledger), contents(writer.ledger))
    assert.equal(ledger.repeats.wasAnswered('s', 1), true)
    assert.equal(ledger.repeats.find('s', 2)?.type, 'created')
    assert.equal(ledger.answered.find(new Uint8Array(16).fill(8))?.version, 8)
    assert.equal(ledger.owner, 'o')
    // A record of another term does not count, though no Takeover was read.
    writer.append({ kind: 'beat' }, 'other')
    const newest = writer.records.at(-1) as LogRecord
    ledger.replay({ sequence: writer.records.length, storedAtMs: 0, record: newest })
    assert.equal(ledger.skipped, 1)
  })

  it('knows the one before it, so that two are known after recovery', async () => {
    const writer = new Writer()
    const first = await taken(writer)
    writer.append({ kind: 'snapshotTaken', ...first.named })
    writer.change('a', 'run')
    const second = await taken(writer)
    writer.append({ kind: 'snapshotTaken', ...second.named })
    const ledger = await recovered(second.memory, second.sequence, writer.records)
    assert.deepEqual([ledger.snapshotBefore, ledger.snapshotAt], [first.sequence, second.sequence])
  })

  it('is many parts when it is large, none of them larger than may be', async () => {
    const writer = new Writer()
    const metadata = `{"x":"${'y'.repeat(4000)}"}`
    for (let i = 0; i < 300; i += 1) {
      const timer = idle(`t${i}`, { metadata })
      writer.batch([{ ...eventOf('created', timer), session: '', n: 0 }])
    }
    const { memory, named, sequence } = await taken(writer)
    assert.ok(memory.parts.size > 5)
    writer.append({ kind: 'snapshotTaken', ...named })
    const ledger = await recovered(memory, sequence, writer.records)
    assert.deepEqual(contents(ledger), contents(writer.ledger))
  })

  it('is not believed when a part is another, is missing, or no record names it', async () => {
    const writer = new Writer()
    for (let i = 0; i < 3000; i += 1) writer.change(`t${i}`, 'stop')
    const { memory, named, sequence } = await taken(writer)
    assert.ok(memory.parts.size > 1)
    assert.equal((await recovered(memory, sequence, writer.records)).isNamed, false)
    writer.append({ kind: 'snapshotTaken', ...named })
    assert.equal((await recovered(memory, sequence, writer.records)).isNamed, true)

    const [name = '', bytes] = [...memory.parts].at(-1) ?? []
    assert.ok(bytes !== undefined)
    const broken = bytes.slice()
    // A character of a title.
    broken[broken.lastIndexOf(0x76)] = 0x77
    memory.parts.set(name, broken)
    await assert.rejects(recovered(memory, sequence, writer.records), SnapshotFaultError)
    memory.parts.delete(name)
    await assert.rejects(recovered(memory, sequence, writer.records), SnapshotFaultError)
    await memory.remove(0, sequence)
    await assert.rejects(recovered(memory, sequence, writer.records), SnapshotFaultError)
  })

  it('is not taken for one of other data, of another partition or of a newer build', () => {
    const head = freshLedger().head()
    for (const other of [{ dataId: 'other' }, { partition: 1 }, { partitionCount: 2 }, { format: 99 }]) {
      assert.throws(() => freshLedger({ ...head, ...other }), SnapshotFaultError)
    }
  })
})
