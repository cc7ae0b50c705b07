// A client's own record of what it asked for and what it was told: the measure of what the service keeps. Every
// request has an id of its own, so that the log tells exactly what became of it.

import type { TimerJson } from '@timers/shared/timer/timer-json.ts'
import { call, type Answer } from './world.ts'

export type LedgerOp = 'put' | 'add' | 'pause' | 'start' | 'delete'

export type Outcome =
  /** It is durable. `timer`: as it was told; a deletion tells none. */
  | { readonly kind: 'done'; readonly timer: TimerJson | undefined; readonly position: string }
  /** Nothing was done. */
  | { readonly kind: 'refused'; readonly status: number; readonly code: string }
  /** No answer, or one that says so: it may have been done. */
  | { readonly kind: 'unknown'; readonly why: string }

export interface Entry {
  readonly requestId: string
  readonly timerId: string
  readonly op: LedgerOp
  readonly outcome: Outcome
}

export class Ledger {
  readonly entries: Entry[] = []
  readonly #url: string
  #requests = 0

  constructor(options: { readonly url: string }) {
    this.#url = options.url
  }

  async send(timerId: string, op: LedgerOp, body?: unknown): Promise<Outcome> {
    this.#requests += 1
    const requestId = `ledger-${this.#requests}`
    const path = `/v1/timers/${timerId}${op === 'put' || op === 'delete' ? '' : `/${op}`}`
    const method = op === 'put' ? 'PUT' : op === 'delete' ? 'DELETE' : 'POST'
    let outcome: Outcome
    try {
      outcome = outcomeOf(await call(this.#url, method, path, body, { 'request-id': requestId }))
    } catch (error) {
      outcome = { kind: 'unknown', why: String(error) }
    }
    this.entries.push({ requestId, timerId, op, outcome })
    return outcome
  }

  get done(): number {
    return this.entries.filter(({ outcome }) => outcome.kind === 'done').length
  }

  /** How often each answer was given. */
  summary(): string {
    const words = this.entries.map(({ outcome }) =>
      outcome.kind === 'refused' ? outcome.code : outcome.kind,
    )
    const counts = Object.entries(Object.groupBy(words, (word) => word))
    return counts.map(([word, all]) => `${all?.length ?? 0} ${word}`).join(', ')
  }
}

function outcomeOf({ status, headers, body }: Answer): Outcome {
  if (status < 300) {
    return { kind: 'done', timer: body as TimerJson | undefined, position: headers.get('position') ?? '' }
  }
  const { code } = body as { readonly code: string }
  return code === 'outcome_unknown' ? { kind: 'unknown', why: code } : { kind: 'refused', status, code }
}
