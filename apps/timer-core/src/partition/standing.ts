// What a partition is at the moment, as its parts see it; only the partition itself changes it.

import type { Ledger } from './ledger.ts'

export interface Standing {
  readonly partition: number
  /** What is read of the log, and applied. Another one after a log was found to be another. */
  readonly ledger: Ledger
  /** Whether this node may say that it owns the partition. */
  readonly serving: boolean
  /** Whether what is in memory may be told: it serves, and the log has just said so. */
  readonly answering: boolean
  /** It serves, and nobody before it can answer any more. */
  readonly settled: boolean
  /** It takes nothing more, and will never serve again. */
  readonly leaving: boolean
  /** Monotonic; while it does not serve: since when nobody owns it as far as this node knows. */
  readonly unownedSinceMs: number
  /** The term of the newest Takeover of this node; '' before the first. */
  readonly term: string
  /** Who is to be asked instead, where known: never this node. */
  readonly otherOwner: string | undefined
}
