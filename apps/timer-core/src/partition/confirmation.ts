// How lately the log has said that this node owns the partition: only while that is less than a second ago does it
// answer from memory. Whoever takes over waits for as long before it answers anything, so that a process that
// stood still, or is cut off and does not know it, never tells a state that has been changed meanwhile.

import type { Clock } from '@timers/shared/clock.ts'

/** An owner answers for so long after the sending of an append that was acknowledged. */
export const confirmedForMs = 1000

/** On both clocks: the one stands while a machine is suspended, the other may be set. */
export interface Instant {
  readonly monotonicMs: number
  readonly wallMs: number
}

export class Confirmation {
  readonly #clock: Clock
  /** When the newest acknowledged append was sent. */
  #sent: Instant | undefined
  #fromMs = 0

  constructor(deps: { readonly clock: Clock }) {
    this.#clock = deps.clock
  }

  now(): Instant {
    return { monotonicMs: this.#clock.monotonicMs(), wallMs: this.#clock.wallMs() }
  }

  /** A Takeover of ours is in the log; the owner before may answer until `fromMs`, monotonic. */
  begin(sent: Instant, fromMs: number): void {
    this.#sent = sent
    this.#fromMs = fromMs
  }

  /** The append that was sent then is acknowledged. */
  confirmed(sent: Instant): void {
    this.#sent = sent
  }

  /** Nothing is known of the log any more. */
  lost(): void {
    this.#sent = undefined
  }

  /** Whether an append that was sent after this instant, monotonic, is acknowledged. */
  isSince(monotonicMs: number): boolean {
    return (this.#sent?.monotonicMs ?? -Infinity) > monotonicMs
  }

  /** How long nothing at all may be answered yet. */
  get heldForMs(): number {
    return Math.max(0, this.#fromMs - this.#clock.monotonicMs())
  }

  /** Whether what is in memory may be told. */
  get holds(): boolean {
    if (this.#sent === undefined) return false
    const { monotonicMs, wallMs } = this.now()
    return (
      monotonicMs >= this.#fromMs &&
      monotonicMs - this.#sent.monotonicMs < confirmedForMs &&
      wallMs - this.#sent.wallMs < confirmedForMs
    )
  }
}
