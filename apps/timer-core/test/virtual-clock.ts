// A clock that stands still until it is told to go on.

import type { Clock } from '@timers/shared/clock.ts'

export class VirtualClock implements Clock {
  readonly #startMs: number
  #passedMs = 0
  /** Of the wall clock: it was set, or the machine was suspended. */
  wallAheadMs = 0
  readonly #due = new Set<{ readonly atMs: number; readonly callback: () => void }>()

  /** `nowMs`: cluster time at the beginning; the monotonic time begins at 0. */
  constructor(nowMs = 1_700_000_000_000) {
    this.#startMs = nowMs
  }

  nowMs(): number {
    return this.#startMs + this.#passedMs
  }

  errorMs(): number {
    return 0
  }
  wallMs(): number {
    return this.nowMs() + this.wallAheadMs
  }

  monotonicMs(): number {
    return this.#passedMs
  }

  after(delayMs: number, callback: () => void): () => void {
    const entry = { atMs: this.#passedMs + delayMs, callback }
    this.#due.add(entry)
    return () => {
      this.#due.delete(entry)
    }
  }

  soon(callback: () => void): () => void {
    return this.after(0, callback)
  }

  /** Calls back what is due meanwhile, each at its time. */
  pass(ms: number): void {
    const untilMs = this.#passedMs + ms
    for (;;) {
      let next: { readonly atMs: number; readonly callback: () => void } | undefined
      for (const entry of this.#due) if (next === undefined || entry.atMs < next.atMs) next = entry
      if (next === undefined || next.atMs > untilMs) break
      this.#due.delete(next)
      this.#passedMs = Math.max(this.#passedMs, next.atMs)
      next.callback()
    }
    this.#passedMs = untilMs
  }
}
