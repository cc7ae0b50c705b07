// One timeout to the earliest deadline. Never early: rounded up, and looked at again when it rings; waits of more
// than an hour are cut, so that a deadline years ahead is no overflow and a clock that steps is noticed.

import type { Clock } from '@timers/shared/clock.ts'

const longestWaitMs = 3_600_000

export interface AlarmDeps {
  readonly clock: Clock
  /** Called at or after the instant that was set last; set it again for another. */
  readonly onDue: () => void
}

export class Alarm {
  readonly #deps: AlarmDeps
  #atMs = Infinity
  /** When the timeout that runs will ring; it may be earlier than #atMs and then only looks. */
  #ringsAtMs = Infinity
  #cancel: (() => void) | undefined

  constructor(deps: AlarmDeps) {
    this.#deps = deps
  }

  /** Cluster time; Infinity = never. */
  set(atMs: number): void {
    this.#atMs = atMs
    if (atMs === Infinity) {
      this.#cancel?.()
      this.#cancel = undefined
      this.#ringsAtMs = Infinity
      return
    }
    // A timeout that rings too early costs one look; to cancel and set it for each change would cost more.
    if (this.#cancel !== undefined && this.#ringsAtMs <= atMs) return
    this.#cancel?.()
    const nowMs = this.#deps.clock.nowMs()
    const waitMs = Math.min(longestWaitMs, Math.max(0, Math.ceil(atMs - nowMs)))
    this.#ringsAtMs = nowMs + waitMs
    this.#cancel = this.#deps.clock.after(waitMs, this.#ring)
  }

  readonly #ring = (): void => {
    this.#cancel = undefined
    this.#ringsAtMs = Infinity
    const atMs = this.#atMs
    if (this.#deps.clock.nowMs() < atMs) {
      this.set(atMs)
      return
    }
    this.#atMs = Infinity
    this.#deps.onDue()
  }
}
