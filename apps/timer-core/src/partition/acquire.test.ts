import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { recordFormat, type LogRecord } from '@timers/shared/log/record.ts'
import { SnapshotMemory } from '../../test/snapshot-memory.ts'
import { VirtualClock } from '../../test/virtual-clock.ts'
import { LogRoom } from '../snapshot/room.ts'
import { acquire, type AcquireDeps, type Claim } from './acquire.ts'
import { Ledger } from './ledger.ts'
import type { AppendOutcome, LogEnds, PartitionLog, StoredRecord } from './ports.ts'

const options = { partition: 0, partitionCount: 1, dataId: 'data' }
const packing = { pack: JSON.stringify, unpack: JSON.parse }

function takeoverOf(owner: string, term: string): LogRecord {
  const body = { kind: 'takeover', dataId: 'data', partitionCount: 1 } as const
  return { format: recordFormat, term, owner, snapshotAt: 0, body }
}

/** A log that fails as it is told to; what happened is in `heard`. */
class FakeLog implements PartitionLog {
  records: LogRecord[] = []
  connection = 1
  /** What the next appends come to, instead of what the log makes of them. */
  readonly next: ((record: LogRecord) => AppendOutcome)[] = []
  /** Reads show no more than so many. */
  shown = Infinity
  /** The broker's clock at each record; 0 without one. */
  readonly storedAtMs: number[] = []

  connectionId(): number {
    return this.connection
  }
  append(record: LogRecord, expected: number): Promise<AppendOutcome> {
    const next = this.next.shift()
    if (next !== undefined) return Promise.resolve(next(record))
    if (expected !== this.records.length)
      return Promise.resolve({ kind: 'unknown', detail: 'wrong last sequence' })
    this.records.push(record)
    return Promise.resolve({ kind: 'committed', sequence: this.records.length, bytes: 100 })
  }
  read(from: number, most: number): Promise<StoredRecord[]> {
    const shown = this.records.slice(from - 1, Math.min(this.shown, from - 1 + most))
    return Promise.resolve(
      shown.map((record, i) => ({
        sequence: from + i,
        storedAtMs: this.storedAtMs[from + i - 1] ?? 0,
        record,
      })),
    )
  }
  async last(): Promise<StoredRecord | undefined> {
    const last = Math.min(this.shown, this.records.length)
    return last === 0 ? undefined : (await this.read(last, 1))[0]
  }
  ends(): Promise<LogEnds> {
    return Promise.resolve({ first: 1, last: this.records.length, bytes: 0, maxBytes: 1 })
  }
  purge(): Promise<void> {
    throw new Error('Nobody cuts this log')
  }
}

function begin(log: FakeLog, more: Partial<AcquireDeps> = {}) {
  let terms = 0
  const clock = new VirtualClock()
  const waits: number[] = []
  const ledger = new Ledger(options, packing)
  const deps: AcquireDeps = {
    log,
    clock,
    now: () => ({ monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() }),
    observer: {
      appended: () => undefined,
      fired: () => undefined,
      tookOver: () => undefined,
      trouble: () => undefined,
    },
    random: () => 0.5,
    newTerm: () => `term-${(terms += 1)}`,
    mine: () => true,
    freshLedger: (head) => new Ledger(options, packing, head),
    snapshots: new SnapshotMemory().source,
    room: new LogRoom(),
    takeover: (term) => takeoverOf('me', term),
    wait: (delayMs) => {
      waits.push(delayMs)
      return Promise.resolve()
    },
    signal: new AbortController().signal,
    applied: () => undefined,
    ...more,
  }
  return { clock, waits, acquired: (from = ledger, previous?: Claim) => acquire(from, previous, deps) }
}

describe('acquire', () => {
  it('reads to the end and stands on its own Takeover', async () => {
    const log = new FakeLog()
    log.records = [takeoverOf('other', 'theirs')]
    const { acquired, waits } = begin(log)
    const { ledger, claim } = await acquired()
    assert.deepEqual([claim?.term, claim?.connectionId], ['term-1', 1])
    assert.deepEqual([ledger.sequence, ledger.term, ledger.owner], [2, 'term-1', 'me'])
    assert.deepEqual(waits, [])
  })

  it('is not stopped by its own Takeover whose answer was lost, and claims nothing by it', async () => {
    const log = new FakeLog()
    log.next.push((record) => {
      log.records.push(record)
      log.connection = 2
      return { kind: 'unknown', detail: 'timeout' }
    })
    const { acquired, waits } = begin(log)
    const { claim } = await acquired()
    assert.deepEqual([claim?.term, claim?.connectionId], ['term-2', 2])
    assert.equal(log.records.length, 2)
    assert.ok(waits.length === 1 && (waits[0] ?? 0) < 100, `it waited ${waits.join()}`)
  })

  it('stands back for 2 s after another was found in its place', async () => {
    const log = new FakeLog()
    log.next.push(() => {
      log.records.push(takeoverOf('other', 'theirs'))
      return { kind: 'unknown', detail: 'wrong last sequence' }
    })
    const { acquired, waits } = begin(log)
    const { claim } = await acquired()
    assert.equal(claim?.term, 'term-2')
    assert.equal(waits.length, 2)
    assert.equal(waits[1], 2000)
  })

  it('stops when placement names another', async () => {
    const log = new FakeLog()
    let mine = true
    log.next.push(() => {
      mine = false
      return { kind: 'unknown', detail: 'timeout' }
    })
    const { acquired } = begin(log, { mine: () => mine })
    assert.equal((await acquired()).claim, undefined)
    assert.equal(log.records.length, 0)
  })

  it('is not deceived by a reading that was cut short', async () => {
    const log = new FakeLog()
    log.records = [takeoverOf('other', 'theirs'), takeoverOf('another', 'newer')]
    log.shown = 1
    const { acquired } = begin(log, {
      wait: () => {
        log.shown = Infinity
        return Promise.resolve()
      },
    })
    const { ledger } = await acquired()
    assert.equal(ledger.sequence, 3)
    assert.deepEqual(
      log.records.map(({ owner }) => owner),
      ['other', 'another', 'me'],
    )
  })

  it('begins afresh when the log has become shorter than what was read of it', async () => {
    const log = new FakeLog()
    const { acquired } = begin(log)
    const { ledger } = await acquired()
    log.records = [takeoverOf('other', 'theirs')]
    for (let sequence = 2; sequence < 5; sequence += 1) {
      ledger.apply({ sequence, record: takeoverOf('lost', `lost-${sequence}`) })
    }
    const again = await acquired(ledger)
    assert.notEqual(again.ledger, ledger)
    assert.equal(again.ledger.sequence, 2)
  })

  it('writes nothing while there is no connection', async () => {
    const log = new FakeLog()
    log.connection = 0
    let waits = 0
    const { acquired } = begin(log, {
      wait: () => {
        waits += 1
        if (waits === 3) log.connection = 7
        return Promise.resolve()
      },
    })
    assert.equal((await acquired()).claim?.connectionId, 7)
  })
})

describe('a new owner answers nothing while the one before may', () => {
  const beat = (term: string): LogRecord => ({ ...takeoverOf('other', term), body: { kind: 'beat' } })
  const release = (term: string): LogRecord => ({
    ...takeoverOf('other', term),
    body: { kind: 'release', to: 'me' },
  })
  const begun = (
    records: readonly LogRecord[],
    storedAtMs: readonly number[],
    more: Partial<AcquireDeps> = {},
  ) => {
    const log = new FakeLog()
    log.records = [...records]
    log.storedAtMs.push(...storedAtMs)
    return { log, ...begin(log, more) }
  }
  const theirs = [takeoverOf('other', 'theirs'), beat('theirs')]

  it('for a second from the record before, by the broker’s clock', async () => {
    const { acquired } = begun(theirs, [1000, 5000, 5300])
    assert.equal((await acquired()).claim?.answersFromMs, 700)
  })

  it('and not at all when that one is older', async () => {
    const { acquired } = begun(theirs, [1000, 5000, 6000])
    assert.equal((await acquired()).claim?.answersFromMs, 0)
  })

  it('nor when it was given up by its owner', async () => {
    const { acquired } = begun([...theirs, release('theirs')], [1000, 5000, 5001, 5002])
    assert.equal((await acquired()).claim?.answersFromMs, 0)
  })

  it('but for what a former owner says that it gives up', async () => {
    const { acquired } = begun([...theirs, release('older')], [1000, 5000, 5001, 5301])
    assert.equal((await acquired()).claim?.answersFromMs, 700)
  })

  it('nor in an empty log, nor after its own records', async () => {
    const { log, acquired } = begun([], [])
    const { ledger, claim } = await acquired()
    assert.equal(claim?.answersFromMs, 0)
    log.records.push(beat(claim.term))
    log.storedAtMs.push(7000, 8000, 8001)
    assert.equal((await acquired(ledger, claim)).claim?.answersFromMs, 0)
  })

  it('for the whole second from the reading when its Takeover cannot be read back', async () => {
    const { log, acquired } = begun(theirs, [1000, 5000, 5300])
    log.shown = 2
    assert.equal((await acquired()).claim?.answersFromMs, 1000)
  })

  it('also when a Takeover of its own is between them, or a claim of its own that was not over', async () => {
    const { log, acquired } = begun(theirs, [1000, 5000, 5100, 5200])
    log.next.push((record) => {
      log.records.push(record)
      return { kind: 'unknown', detail: 'timeout' }
    })
    const { ledger, claim } = await acquired()
    assert.equal(claim?.term, 'term-2')
    assert.equal(claim.answersFromMs, 800)
    assert.equal((await acquired(ledger, claim)).claim?.answersFromMs, 800)
  })
})
