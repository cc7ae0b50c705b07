// One timeout to the earliest deadline. Never early: the wait is rounded up, and the clock looked at again
// when it is over; waits are cut at an hour, so that a deadline years ahead does not overflow setTimeout
// and a cluster clock that was set is noticed.

import type { Clock } from '@timers/shared/clock.ts'

const longestWaitMs = 3_600_000

export interface AlarmDeps {
  readonly clock: Clock
  /** Called once, at or after the instant that was set last; until it is set again there is none. */
  readonly onDue: () => void
}

export class Alarm {
  readonly #deps: AlarmDeps
  #atMs = Infinity
  /** The timeout under way, and when it ends: on the monotonic clock, whatever is done to the other. */
  #cancel: (() => void) | undefined
  #endsAtMs = Infinity

  constructor(deps: AlarmDeps) {
    this.#deps = deps
  }

  /** Cluster time; Infinity = never. */
  set(atMs: number): void {
    this.#atMs = atMs
    if (atMs === Infinity) {
      this.#cancel?.()
      this.#cancel = undefined
      return
    }
    const { clock } = this.#deps
    const waitMs = Math.min(longestWaitMs, Math.max(0, Math.ceil(atMs - clock.nowMs())))
    const endsAtMs = clock.monotonicMs() + waitMs
    // A timeout that ends before it is needed costs one look; a new one for each change would cost more.
    if (this.#cancel !== undefined && this.#endsAtMs <= endsAtMs) return
    this.#cancel?.()
    this.#endsAtMs = endsAtMs
    this.#cancel = clock.after(waitMs, this.#look)
  }

  readonly #look = (): void => {
    this.#cancel = undefined
    const atMs = this.#atMs
    if (this.#deps.clock.nowMs() < atMs) {
      this.set(atMs)
      return
    }
    this.#atMs = Infinity
    this.#deps.onDue()
  }
}
