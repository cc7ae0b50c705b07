// Reading a log to its end, into a ledger. What is read may be stale or cut short: only the PubAck of the Takeover
// that follows makes it true. A log that cannot be what the service wrote is refused, never begun anew.

import type { TimerEvent } from '@timers/shared/timer/event.ts'
import { DamagedLogError, type Ledger } from './ledger.ts'
import type { PartitionLog, PartitionObserver } from './ports.ts'

export interface RecoverDeps {
  readonly log: PartitionLog
  readonly observer: PartitionObserver
  readonly freshLedger: () => Ledger
  readonly signal: AbortSignal
  readonly applied: (events: readonly TimerEvent[], sequence: number) => void
}

const readAtOnce = 64

/** The ledger that stands at the log's end: the given one, or a fresh one. Rejects when the log cannot be read. */
export async function recover(start: Ledger, deps: RecoverDeps): Promise<Ledger> {
  let ledger = start
  if (await isRewound(ledger, deps.log)) {
    deps.observer.trouble(
      ledger.partition,
      'The log is shorter than what was read of it',
      `was ${ledger.sequence}`,
    )
    ledger = deps.freshLedger()
  }
  await catchUp(ledger, deps)
  return ledger
}

/** After a power loss without fsync the log may end before what we know of it. */
async function isRewound(ledger: Ledger, log: PartitionLog): Promise<boolean> {
  const { first, last } = await log.ends()
  if (last > 0 && first > ledger.sequence + 1) {
    throw new DamagedLogError(
      `The log begins at ${first}, after ${ledger.sequence}, and no snapshot is named`,
    )
  }
  return last < ledger.sequence
}

async function catchUp(ledger: Ledger, deps: RecoverDeps): Promise<void> {
  while (!deps.signal.aborted) {
    const records = await deps.log.read(ledger.sequence + 1, readAtOnce)
    if (records.length === 0) break
    for (const stored of records) deps.applied(ledger.replay(stored), stored.sequence)
  }
  const { last } = await deps.log.ends()
  // What was read may be cut short or stale; if so the Takeover fails and we read again. But a log that has
  // messages and shows none is not an empty log.
  if (ledger.sequence === 0 && last > 0)
    throw new DamagedLogError(`The log ends at ${last} and shows no record`)
}
