// A clock that stands still until it is told to go on: what is due then happens at once, in order.

import type { Clock } from '@timers/shared/clock.ts'

interface Due {
  readonly atMs: number
  readonly callback: () => void
}

export class VirtualClock implements Clock {
  #elapsedMs = 0
  readonly #epochMs: number
  readonly #due = new Set<Due>()
  readonly #soon = new Set<{ readonly callback: () => void }>()

  constructor(epochMs = 1_700_000_000_000) {
    this.#epochMs = epochMs
  }

  nowMs(): number {
    return this.#epochMs + this.#elapsedMs
  }

  errorMs(): number {
    return 0
  }
  wallMs(): number {
    return this.nowMs()
  }
  monotonicMs(): number {
    return this.#elapsedMs
  }

  after(delayMs: number, callback: () => void): () => void {
    const due = { atMs: this.#elapsedMs + delayMs, callback }
    this.#due.add(due)
    return () => {
      this.#due.delete(due)
    }
  }

  soon(callback: () => void): () => void {
    const entry = { callback }
    this.#soon.add(entry)
    return () => {
      this.#soon.delete(entry)
    }
  }

  /** Calls back what waits for the end of the turn. */
  turn(): void {
    for (const entry of [...this.#soon]) if (this.#soon.delete(entry)) entry.callback()
  }

  /** Time goes on; the loop turns after each thing that was due. */
  advance(byMs: number): void {
    const untilMs = this.#elapsedMs + byMs
    for (;;) {
      let next: Due | undefined
      for (const due of this.#due) if (due.atMs <= untilMs && due.atMs < (next?.atMs ?? Infinity)) next = due
      if (next === undefined) break
      this.#due.delete(next)
      this.#elapsedMs = Math.max(this.#elapsedMs, next.atMs)
      next.callback()
      this.turn()
    }
    this.#elapsedMs = untilMs
    this.turn()
  }

  /** Nothing waits for it. */
  get idle(): boolean {
    return this.#due.size + this.#soon.size === 0
  }
}
