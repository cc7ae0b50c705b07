// Lets only so many do a thing at once; so many more may wait, in order of arrival and for so long.

import type { Clock } from '@timers/shared/clock.ts'

export interface GateOptions {
  readonly atOnce: number
  readonly waiting: number
}

export class Gate {
  readonly #options: GateOptions
  readonly #clock: Clock
  #inside = 0
  readonly #waiting = new Set<(entered: boolean) => void>()

  constructor(options: GateOptions, deps: { readonly clock: Clock }) {
    this.#options = options
    this.#clock = deps.clock
  }

  /** Resolves to what lets the next one in, to be called once; undefined = too many wait, too long, or aborted. */
  async enter(withinMs: number, signal: AbortSignal): Promise<(() => void) | undefined> {
    if (signal.aborted) return undefined
    if (this.#inside >= this.#options.atOnce) {
      if (this.#waiting.size >= this.#options.waiting) return undefined
      if (!(await this.#turn(withinMs, signal))) return undefined
    } else this.#inside += 1
    return () => {
      this.#leave()
    }
  }

  #turn(withinMs: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const enter = (entered: boolean): void => {
        this.#waiting.delete(enter)
        signal.removeEventListener('abort', giveUp)
        cancel()
        resolve(entered)
      }
      const giveUp = (): void => {
        enter(false)
      }
      const cancel = this.#clock.after(withinMs, giveUp)
      signal.addEventListener('abort', giveUp)
      this.#waiting.add(enter)
    })
  }

  /** The place of who leaves is the next one's: nobody overtakes. */
  #leave(): void {
    const [next] = this.#waiting
    if (next === undefined) this.#inside -= 1
    else next(true)
  }
}
