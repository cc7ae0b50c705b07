// Whose turn it is: all partitions of a node share one event loop, and a turn of one may take some milliseconds.
// One after the other, and between them the loop hears what has come: when many are due at once, no
// acknowledgement, command or heartbeat waits for all of them.

import type { Clock } from '@timers/shared/clock.ts'

/** After so long the loop is let go on; the turn that passes it is the last. */
const togetherMs = 4

export class Turns {
  readonly #clock: Clock
  #waiting: (() => void)[] = []
  #comes = false

  constructor(deps: { readonly clock: Clock }) {
    this.#clock = deps.clock
  }

  /** `turn` is called once, later, in the order in which they were taken. */
  take(turn: () => void): void {
    this.#waiting.push(turn)
    this.#goOn()
  }

  #goOn(): void {
    if (this.#comes || this.#waiting.length === 0) return
    this.#comes = true
    this.#clock.soon(this.#run)
  }

  readonly #run = (): void => {
    this.#comes = false
    const turns = this.#waiting
    this.#waiting = []
    const untilMs = this.#clock.monotonicMs() + togetherMs
    let done = 0
    try {
      while (done < turns.length && (done === 0 || this.#clock.monotonicMs() < untilMs)) {
        const turn = turns[done]
        done += 1
        turn?.()
      }
    } finally {
      if (done < turns.length) this.#waiting = [...turns.slice(done), ...this.#waiting]
      this.#goOn()
    }
  }
}
