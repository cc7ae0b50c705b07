// The real clock, but for cluster time and the wall's, which a test may put forward or stop.

import type { Clock } from '@timers/shared/clock.ts'
import { createSystemClock } from '@timers/shared/system-clock.ts'

export class TestClock implements Clock {
  readonly #real = createSystemClock()
  aheadMs = 0
  known = true
  wallAheadMs = 0
  stoppedAtMs: number | undefined

  nowMs(): number {
    return this.stoppedAtMs ?? this.#real.nowMs() + this.aheadMs
  }
  errorMs(): number {
    return this.known ? 0 : Infinity
  }
  wallMs(): number {
    return this.#real.wallMs() + this.wallAheadMs
  }
  monotonicMs(): number {
    return this.#real.monotonicMs()
  }
  after(delayMs: number, callback: () => void): () => void {
    return this.#real.after(delayMs, callback)
  }
  soon(callback: () => void): () => void {
    return this.#real.soon(callback)
  }
}
