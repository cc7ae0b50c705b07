// How a partition is taken: read the log to its end, append a Takeover, and believe nothing but its PubAck.
// The same way leads in after a start, after a lost connection and after an append of unknown outcome.

import { backoffMs } from '@timers/shared/backoff.ts'
import type { Clock } from '@timers/shared/clock.ts'
import type { LogRecord } from '@timers/shared/log/record.ts'
import { confirmedForMs, type Instant } from './confirmation.ts'
import { DamagedLogError, type LastRead, type Ledger } from './ledger.ts'
import { recover, type RecoverDeps } from './recover.ts'

/** What an owner holds: its term in the log, and the connection its Takeover went out on. */
export interface Claim {
  readonly term: string
  readonly connectionId: number
  /** When the Takeover was sent. */
  readonly sent: Instant
  /** Monotonic: until then the owner before may answer, and this one must not. */
  readonly answersFromMs: number
}

export interface AcquireDeps extends RecoverDeps {
  readonly clock: Clock
  readonly now: () => Instant
  readonly random: () => number
  readonly newTerm: () => string
  readonly mine: () => boolean
  readonly takeover: (term: string, snapshotAt: number) => LogRecord
  /** Cut short when the signal aborts. */
  readonly wait: (delayMs: number) => Promise<void>
}

export interface Acquired {
  readonly ledger: Ledger
  /** Undefined: placement names another node, or this one is closing. */
  readonly claim: Claim | undefined
}

const againMs = { firstMs: 50, mostMs: 1000 }
/** After another node was found in our place: time for placement to see it. */
const lostWaitMs = 2000

/** The newest record of anybody else, and when it was there, on our monotonic clock, at the latest. */
interface Before {
  readonly record: LastRead
  readonly readAtMs: number
}

/**
 * `previous`: what this process held of the partition, if it ever did. Rejects only with DamagedLogError; everything
 * else is tried again while placement says so.
 */
export async function acquire(
  start: Ledger,
  previous: Claim | undefined,
  deps: AcquireDeps,
): Promise<Acquired> {
  const { partition } = start
  let ledger = start
  let before: Before | undefined
  // A Takeover found by the first reading of an unread log is the past; any later one took our place.
  let known = ledger.sequence > 0
  /** Of the last Takeover we sent: it may be there, its answer lost. */
  let term = previous?.term
  for (let attempt = 0; !deps.signal.aborted && deps.mine(); attempt += 1) {
    try {
      const connectionId = deps.log.connectionId()
      if (connectionId === 0) throw new Error('There is no connection to the log')
      const termBefore = ledger.term
      ledger = await recover(ledger, deps)
      if (known && ledger.term !== termBefore && ledger.term !== term) {
        await deps.wait(lostWaitMs)
        continue
      }
      known = true
      const { lastRead } = ledger
      if (lastRead !== undefined && lastRead.term !== term && lastRead !== before?.record)
        before = { record: lastRead, readAtMs: deps.clock.monotonicMs() }
      term = deps.newTerm()
      const record = deps.takeover(term, ledger.snapshotAt)
      const sent = deps.now()
      const outcome = await deps.log.append(record, ledger.sequence, connectionId)
      if (outcome.kind === 'committed') {
        ledger.apply({ sequence: outcome.sequence, record })
        const fromMs = await answersFromMs(outcome.sequence, term, before, deps)
        const claim = {
          term,
          connectionId,
          sent,
          answersFromMs: Math.max(previous?.answersFromMs ?? 0, fromMs),
        }
        return { ledger, claim }
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

/**
 * The owner before answers for a second after the sending of its newest append. By the broker's clock the Takeover
 * may be later than that: its timestamp is in no acknowledgement, so it is read back. If it cannot be, the wait is
 * counted from when we read what is before it.
 */
async function answersFromMs(
  sequence: number,
  term: string,
  before: Before | undefined,
  { log, clock }: AcquireDeps,
): Promise<number> {
  if (before === undefined || before.record.releases) return 0
  const ackedAtMs = clock.monotonicMs()
  const atLatestMs = before.readAtMs + confirmedForMs
  if (atLatestMs <= ackedAtMs) return 0
  const [takeover] = await log.read(sequence, 1).catch(() => [])
  if (takeover?.record.term !== term) return atLatestMs
  return Math.min(atLatestMs, ackedAtMs + confirmedForMs - (takeover.storedAtMs - before.record.storedAtMs))
}
