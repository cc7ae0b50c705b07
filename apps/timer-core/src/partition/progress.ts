// Whether what waits at an owner is getting on: one that has work and no successful append is of no use as an owner.

import type { Clock } from '@timers/shared/clock.ts'
import type { Confirmation } from './confirmation.ts'
import { partitionLimits } from './limits.ts'

export class Progress {
  readonly #deps: { readonly clock: Clock; readonly confirmation: Confirmation }
  /** Monotonic: since when work waits without a successful append. */
  #sinceMs: number | undefined

  constructor(deps: { readonly clock: Clock; readonly confirmation: Confirmation }) {
    this.#deps = deps
  }

  /** Look a few times a second; `waits`: whether there is work. */
  look(waits: boolean): void {
    const { clock, confirmation } = this.#deps
    if (!waits) this.#sinceMs = undefined
    else if (this.#sinceMs === undefined || confirmation.isSince(this.#sinceMs))
      this.#sinceMs = clock.monotonicMs()
  }

  get isStuck(): boolean {
    if (this.#sinceMs === undefined) return false
    return this.#deps.clock.monotonicMs() - this.#sinceMs >= partitionLimits.uselessMs
  }
}
