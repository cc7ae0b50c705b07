// How a partition is taken: read the log to its end, append a Takeover, and believe nothing but its PubAck.
// The same way leads in after a start, after a lost connection and after an append of unknown outcome.

import { backoffMs } from '@timers/shared/backoff.ts'
import type { LogRecord } from '@timers/shared/log/record.ts'
import { DamagedLogError, type Ledger } from './ledger.ts'
import { recover, type RecoverDeps } from './recover.ts'

/** What an owner holds: its term in the log, and the connection its Takeover went out on. */
export interface Claim {
  readonly term: string
  readonly connectionId: number
}

export interface AcquireDeps extends RecoverDeps {
  readonly random: () => number
  readonly newTerm: () => string
  readonly mine: () => boolean
  readonly takeover: (term: string) => LogRecord
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
      const termBefore = ledger.term
      ledger = await recover(ledger, deps)
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
