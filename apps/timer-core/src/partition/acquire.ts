// How a partition is taken: read the log to its end, append a Takeover, and believe nothing but its PubAck.
// The same way leads in after a start, after a lost connection and after an append of unknown outcome.

import { backoffMs } from '@timers/shared/backoff.ts'
import type { LogRecord } from '@timers/shared/log/record.ts'
import type { TimerEvent } from '@timers/shared/timer/event.ts'
import { DamagedLogError, type Ledger } from './ledger.ts'
import type { PartitionLog, PartitionObserver } from './ports.ts'

/** What an owner holds: its term in the log, and the connection its Takeover went out on. */
export interface Claim {
  readonly term: string
  readonly connectionId: number
}

export interface AcquireDeps {
  readonly log: PartitionLog
  readonly observer: PartitionObserver
  readonly random: () => number
  readonly newTerm: () => string
  readonly mine: () => boolean
  readonly freshLedger: () => Ledger
  readonly takeover: (term: string) => LogRecord
  /** Cut short when the signal aborts. */
  readonly wait: (delayMs: number) => Promise<void>
  readonly signal: AbortSignal
  readonly applied: (events: readonly TimerEvent[], sequence: number) => void
}

export interface Acquired {
  readonly ledger: Ledger
  /** Undefined: placement names another node, or this one is closing. */
  readonly claim: Claim | undefined
}

const againMs = { firstMs: 50, mostMs: 1000 }
/** After another node was found in our place: time for placement to see it. */
const lostWaitMs = 2000
const readAtOnce = 64

/** Rejects only with DamagedLogError. Everything else is tried again while placement says so. */
export async function acquire(partition: number, start: Ledger, deps: AcquireDeps): Promise<Acquired> {
  let ledger = start
  // A Takeover found by the first reading of an unread log is the past; any later one took our place.
  let known = ledger.sequence > 0
  /** Of the last Takeover we sent: it may be there, its answer lost. */
  let term: string | undefined
  for (let attempt = 0; !deps.signal.aborted && deps.mine(); attempt += 1) {
    try {
      const connectionId = deps.log.connectionId()
      if (connectionId === 0) throw new Error('There is no connection to the log')
      if (await isRewound(ledger, deps.log)) {
        deps.observer.trouble(
          partition,
          'The log is shorter than what was read of it',
          `was ${ledger.sequence}`,
        )
        ledger = deps.freshLedger()
      }
      const termBefore = ledger.term
      await catchUp(ledger, deps)
      if (known && ledger.term !== termBefore && ledger.term !== term) {
        await deps.wait(lostWaitMs)
        continue
      }
      known = true
      term = deps.newTerm()
      const record = deps.takeover(term)
      const outcome = await deps.log.append(record, ledger.sequence, connectionId)
      if (outcome.kind === 'committed') {
        ledger.apply({ sequence: outcome.sequence, record })
        return { ledger, claim: { term, connectionId } }
      }
      deps.observer.trouble(partition, 'A Takeover was not taken', outcome.detail)
    } catch (error) {
      if (error instanceof DamagedLogError) throw error
      deps.observer.trouble(partition, 'The log could not be read', String(error))
    }
    await deps.wait(backoffMs(againMs, attempt, deps.random))
  }
  return { ledger, claim: undefined }
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

async function catchUp(ledger: Ledger, deps: AcquireDeps): Promise<void> {
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
