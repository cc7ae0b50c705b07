// A circuit breaker for one node: open once nothing has come through for a while, so that callers are told at once
// instead of waiting; then it lets a trial through each second. Pure; it decides about waiting, never about safety.

export type BreakerState = 'closed' | 'half-open' | 'open'

export const breakerTimes = { openAfterMs: 3000, trialEachMs: 1000 } as const

export class Breaker {
  /** Monotonic, as all times here: of the first failure since something came through. */
  #failingSinceMs: number | undefined
  #open = false
  #trial = false
  #nextTrialAtMs = 0

  get state(): BreakerState {
    if (!this.#open) return 'closed'
    return this.#trial ? 'half-open' : 'open'
  }

  /** Whether to try now. True while it is open: this is the trial, and its end has to be told. */
  allows(nowMs: number): boolean {
    if (!this.#open) return true
    if (this.#trial || nowMs < this.#nextTrialAtMs) return false
    this.#trial = true
    return true
  }

  /** The node was reached. */
  succeeded(): void {
    this.#failingSinceMs = undefined
    this.#open = this.#trial = false
  }

  /** Nobody waits for it any more, which says nothing about the node: the next one is the trial. */
  givenUp(): void {
    this.#trial = false
  }

  /** The node was not reached. */
  failed(nowMs: number): void {
    this.#failingSinceMs ??= nowMs
    this.#trial = false
    if (nowMs - this.#failingSinceMs < breakerTimes.openAfterMs) return
    this.#open = true
    this.#nextTrialAtMs = nowMs + breakerTimes.trialEachMs
  }
}
