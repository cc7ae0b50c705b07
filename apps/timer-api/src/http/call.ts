// One request, read and found good, as its handler sees it.

import type { Caller } from './caller.ts'
import type { Conditions } from './conditions.ts'

export interface Call<Q, B> {
  readonly caller: Caller
  readonly requestId: string
  /** The path's {id} or {code}; '' when it has none. */
  readonly id: string
  readonly query: Q
  readonly body: B
  readonly conditions: Conditions
  /** Cluster time. */
  readonly receivedAtMs: number
  /** Cluster time. */
  readonly deadlineMs: number
  /** Aborts when the client is gone. */
  gone(): AbortSignal
}
