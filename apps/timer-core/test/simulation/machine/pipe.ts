// One direction of a connection: what goes in comes out later and in order, or is held up, or is lost with it.

import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

export interface Latency {
  readonly leastMs: number
  readonly mostMs: number
}

export class Pipe {
  readonly #scheduler: Scheduler
  readonly #random: Random
  #latency: Latency
  #lastAtMs = 0
  #held: (() => void)[] | undefined
  /** 'late': closed, but what is under way arrives all the same. */
  #state: 'open' | 'late' | 'lost' = 'open'

  constructor(latency: Latency, deps: { readonly scheduler: Scheduler; readonly random: Random }) {
    this.#latency = latency
    this.#scheduler = deps.scheduler
    this.#random = deps.random
  }

  carry(deliver: () => void): void {
    if (this.#state !== 'open') return
    const { leastMs, mostMs } = this.#latency
    const atMs = Math.max(this.#lastAtMs, this.#scheduler.nowMs + this.#random.between(leastMs, mostMs))
    this.#lastAtMs = atMs
    this.#scheduler.at(atMs, () => {
      this.#arrive(deliver)
    })
  }

  setLatency(latency: Latency): void {
    this.#latency = latency
  }

  /** Nothing comes out until release(). */
  hold(): void {
    this.#held ??= []
  }

  release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const deliver of held) {
      this.#scheduler.at(this.#scheduler.nowMs, () => {
        this.#arrive(deliver)
      })
    }
  }

  /** Takes nothing more; `late`: what it has taken still arrives, when it is not (or no longer) held. */
  close(late: boolean): void {
    if (this.#state === 'open') this.#state = late ? 'late' : 'lost'
  }

  #arrive(deliver: () => void): void {
    if (this.#state === 'lost') return
    if (this.#held === undefined) deliver()
    else this.#held.push(deliver)
  }
}
