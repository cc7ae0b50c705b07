// A clock that stands still until it is told to go on.

import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '@timers/shared/clock.ts'

export class VirtualClock implements Clock {
  #nowMs = 1_000_000
  readonly #due = new Set<{ readonly atMs: number; readonly callback: () => void }>()

  nowMs(): number {
    return this.#nowMs
  }

  errorMs(): number {
    return 0
  }
  wallMs(): number {
    return this.nowMs()
  }
  monotonicMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, callback: () => void): () => void {
    const entry = { atMs: this.#nowMs + delayMs, callback }
    this.#due.add(entry)
    return () => {
      this.#due.delete(entry)
    }
  }

  soon(callback: () => void): () => void {
    return this.after(0, callback)
  }

  /** Calls back what is due meanwhile, each at its time, and lets what follows from it happen. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs
    await turn()
    for (;;) {
      const next = [...this.#due].sort((a, b) => a.atMs - b.atMs)[0]
      if (next === undefined || next.atMs > untilMs) break
      this.#due.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.callback()
      await turn()
    }
    this.#nowMs = untilMs
  }
}
