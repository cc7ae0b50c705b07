// One process of the simulated world: its clock, and what is done to a process. It crashes (nothing of it ever
// runs again), stands still (what comes waits, and so do its timers), is slow, and has its wall clock set.

import type { Clock } from '@timers/shared/clock.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

/** Cluster time at the beginning of every run. */
export const epochMs = 1_700_000_000_000

/** A timer of a real loop comes late by up to so much. */
const timerLateMs = 1.5

export class SimProcess {
  readonly name: string
  readonly #scheduler: Scheduler
  readonly #random: Random
  #wallAheadMs: number
  /** How long its monotonic clock has stood still, all in all. */
  #stoodMs = 0
  #stopsSinceMs: number | undefined
  #state: 'up' | 'still' | 'dead' = 'up'
  #slowMs = 0
  #busyUntilMs = 0
  #waiting: (() => void)[] = []

  constructor(
    options: { readonly name: string; readonly wallAheadMs: number },
    deps: { readonly scheduler: Scheduler; readonly random: Random },
  ) {
    this.name = options.name
    this.#wallAheadMs = options.wallAheadMs
    this.#scheduler = deps.scheduler
    this.#random = deps.random
  }

  /** This machine's, taken for right. */
  readonly clock: Clock = {
    nowMs: () => this.clock.wallMs(),
    errorMs: () => 0,
    wallMs: () => epochMs + this.#scheduler.nowMs + this.#wallAheadMs,
    monotonicMs: () => (this.#stopsSinceMs ?? this.#scheduler.nowMs) - this.#stoodMs,
    after: (delayMs, callback) => this.#after(delayMs, callback),
    soon: (callback) => {
      let cancelled = false
      this.input(0, () => {
        if (!cancelled) callback()
      })
      return () => {
        cancelled = true
      }
    },
  }

  get dead(): boolean {
    return this.#state === 'dead'
  }
  get still(): boolean {
    return this.#state === 'still'
  }
  get wallAheadMs(): number {
    return this.#wallAheadMs
  }

  /** Something reaches it, in `inMs`: it is dropped when the process is dead then, and waits while it stands still. */
  input(inMs: number, run: () => void): void {
    this.#scheduler.at(this.#scheduler.nowMs + inMs, () => {
      this.#arrive(run)
    })
  }

  kill(): void {
    this.#state = 'dead'
    this.#waiting = []
  }

  /** `monotonicStops`: as a machine that is suspended; otherwise as SIGSTOP does it. */
  standStill(monotonicStops: boolean): void {
    if (this.#state !== 'up') return
    this.#state = 'still'
    if (monotonicStops) this.#stopsSinceMs = this.#scheduler.nowMs
  }

  goOn(): void {
    if (this.#state !== 'still') return
    this.#state = 'up'
    if (this.#stopsSinceMs !== undefined) {
      this.#stoodMs += this.#scheduler.nowMs - this.#stopsSinceMs
      this.#stopsSinceMs = undefined
    }
    const waiting = this.#waiting
    this.#waiting = []
    for (const run of waiting) this.input(0, run)
  }

  setWall(aheadMs: number): void {
    this.#wallAheadMs = aheadMs
  }

  /** From now on each of its turns takes up to so long; 0 ends it. */
  setSlow(ms: number): void {
    this.#slowMs = ms
  }

  #after(delayMs: number, callback: () => void): () => void {
    const dueMs = this.clock.monotonicMs() + Math.max(0, delayMs)
    let cancelled = false
    const look = (): void => {
      if (cancelled) return
      const leftMs = dueMs - this.clock.monotonicMs()
      // It stood still meanwhile, and so did what this timer is measured by.
      if (leftMs > 1e-6) this.input(leftMs, look)
      else callback()
    }
    this.input(Math.max(0, delayMs) + this.#random.next() * timerLateMs, look)
    return () => {
      cancelled = true
    }
  }

  #arrive(run: () => void): void {
    if (this.#state === 'dead') return
    if (this.#state === 'still') {
      this.#waiting.push(run)
    } else if (this.#slowMs > 0 || this.#busyUntilMs > this.#scheduler.nowMs) {
      const fromMs = Math.max(this.#busyUntilMs, this.#scheduler.nowMs)
      this.#busyUntilMs = fromMs + this.#random.next() * this.#slowMs
      this.#scheduler.at(this.#busyUntilMs, () => {
        if (this.#state === 'up') run()
        else if (this.#state === 'still') this.#waiting.push(run)
      })
    } else {
      run()
    }
  }
}
