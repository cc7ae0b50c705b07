// Whose turn it is: all partitions of a node share one event loop, and a turn of one may take some milliseconds.
// One after the other, and between them the loop hears what has come: when many timers are due at once, no
// acknowledgement, command or heartbeat waits for all of them.

import type { Clock } from '@timers/shared/clock.ts'

export interface Turn {
  readonly run: () => void
  /** Whether a caller waits for it; asked again and again. */
  readonly isAwaited: () => boolean
}

/** After so long the loop is let go on; the turn that passes it is the last. */
const togetherMs = 4

export class Turns {
  readonly #clock: Clock
  readonly #waiting: Turn[] = []
  #awaitedIsNext = true
  #comes = false

  constructor(deps: { readonly clock: Clock }) {
    this.#clock = deps.clock
  }

  /**
   * It is run once, later. Every other turn is of those that are awaited: so that a command does not wait for all
   * timers that are due, nor they for all commands.
   */
  take(turn: Turn): void {
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
    const untilMs = this.#clock.monotonicMs() + togetherMs
    // What these turns take is for the next round.
    let left = this.#waiting.length
    try {
      do {
        left -= 1
        this.#next()?.run()
      } while (left > 0 && this.#clock.monotonicMs() < untilMs)
    } finally {
      this.#goOn()
    }
  }

  #next(): Turn | undefined {
    const at = this.#awaitedIsNext ? this.#waiting.findIndex((turn) => turn.isAwaited()) : 0
    this.#awaitedIsNext = !this.#awaitedIsNext
    return this.#waiting.splice(Math.max(0, at), 1)[0]
  }
}
