// Bringing a ledger to the end of its log: on from where it stands, or from the snapshot that the newest record names.
// What is read may be stale or cut short, and the log may be cut between two reads: only the PubAck of the Takeover
// that follows makes it true. A log that cannot be what the service wrote is refused, never begun anew.

import type { TimerEvent } from '@timers/shared/timer/event.ts'
import { loadSnapshot, type LoadDeps } from '../snapshot/load.ts'
import type { LogRoom } from '../snapshot/room.ts'
import { DamagedLogError, SnapshotFaultError, type Ledger } from './ledger.ts'
import type { LogEnds, PartitionLog, PartitionObserver } from './ports.ts'

export interface RecoverDeps extends LoadDeps {
  readonly log: PartitionLog
  /** Told how full the log is: whoever takes it over must not fill what is kept for the next. */
  readonly room: LogRoom
  readonly observer: PartitionObserver
  readonly signal: AbortSignal
  readonly applied: (events: readonly TimerEvent[], sequence: number) => void
  /** Cut short when the signal aborts. */
  readonly wait: (delayMs: number) => Promise<void>
}

const readAtOnce = 64
/** What a replica that is behind the others does not show, it shows after some of these. */
const looks = { most: 5, everyMs: 500 } as const

/**
 * The ledger that stands at the log's end: the given one, or another. Rejects when the log cannot be read, with a
 * DamagedLogError when it cannot be served.
 */
export async function recover(start: Ledger, deps: RecoverDeps): Promise<Ledger> {
  const ends = await deps.log.ends()
  deps.room.measured(ends)
  if (start.sequence > 0 && (await isOfThisLog(start, ends, deps.log))) {
    await replay(start, deps)
    return start
  }
  if (start.sequence > 0) {
    const detail = `read to ${start.sequence}, the log is from ${ends.first} to ${ends.last}`
    deps.observer.trouble(start.partition, 'The log is not the one that was read', detail)
  }
  return fromNewest(start.partition, deps)
}

/** After a power loss without fsync a log may end before what we know of it, or have grown again otherwise. */
async function isOfThisLog(ledger: Ledger, { first, last }: LogEnds, log: PartitionLog): Promise<boolean> {
  if (ledger.sequence < first || ledger.sequence > last) return false
  const [newest] = await log.read(ledger.sequence, 1)
  if (newest === undefined) throw new Error(`Record ${ledger.sequence} is not to be had`)
  // An owner writes one record of a sequence, and another owner has another term.
  return newest.record.term === ledger.lastTerm
}

async function fromNewest(partition: number, deps: RecoverDeps): Promise<Ledger> {
  for (let look = 1; ; look += 1) {
    const { first, last } = await deps.log.ends()
    const newest = await deps.log.last()
    if (last > 0 && first > last) throw new DamagedLogError(`The log ends at ${last} and shows no record`)
    if (last > 0 && newest === undefined) throw new Error('The newest record is not to be had')
    const named = newest?.record.snapshotAt ?? 0
    const ledger = await fromSnapshots(partition, named, { first, last }, deps)
    if (ledger !== undefined) return ledger
    if (first <= 1) {
      const whole = deps.freshLedger()
      await replay(whole, deps)
      return whole
    }
    if (deps.signal.aborted) return deps.freshLedger()
    if (look === looks.most) {
      const why = named === 0 ? 'no snapshot is named' : `of no use is the snapshot at ${named}`
      throw new DamagedLogError(`The log begins at ${first} and ${why}`)
    }
    await deps.wait(looks.everyMs)
  }
}

/** From the named one or, where that is of no use, from one before it and more of the log. */
async function fromSnapshots(
  partition: number,
  named: number,
  { first, last }: Pick<LogEnds, 'first' | 'last'>,
  deps: RecoverDeps,
): Promise<Ledger | undefined> {
  if (named === 0 && first <= 1) return undefined
  const listed = await deps.snapshots.store.list(partition)
  const others = listed.filter((sequence) => sequence !== named).reverse()
  for (const sequence of [named, ...others]) {
    // Behind one that is older than the log something would be missing; one beyond it is of a tail that was lost.
    if (sequence === 0 || sequence < first - 1 || sequence > last) continue
    try {
      const ledger = await loadSnapshot(partition, sequence, deps)
      await replay(ledger, deps)
      if (ledger.isNamed || deps.signal.aborted) return ledger
      throw new SnapshotFaultError('No record names it')
    } catch (error) {
      if (!(error instanceof SnapshotFaultError)) throw error
      deps.observer.trouble(partition, `The snapshot at ${sequence} is of no use`, error.message)
    }
  }
  return undefined
}

async function replay(ledger: Ledger, deps: RecoverDeps): Promise<void> {
  while (!deps.signal.aborted) {
    const records = await deps.log.read(ledger.sequence + 1, readAtOnce)
    if (records.length === 0) return
    for (const stored of records) deps.applied(ledger.replay(stored), stored.sequence)
  }
}
