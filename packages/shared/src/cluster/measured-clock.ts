// The clock of a service: this machine's, with cluster time as the estimator has it. Whole milliseconds, rounded
// down, so that nothing is ever early by it.

import type { Clock } from '../clock.ts'
import { TimeEstimator, type Reading, type TimeSample } from './time-estimator.ts'

export class MeasuredClock implements Clock {
  readonly #machine: Clock
  readonly #estimator: TimeEstimator

  constructor(deps: { readonly machine: Clock }) {
    this.#machine = deps.machine
    this.#estimator = new TimeEstimator(this.#read())
  }

  nowMs(): number {
    return Math.floor(this.#estimator.nowMs(this.#read()))
  }
  errorMs(): number {
    return Math.ceil(this.#estimator.errorMs(this.#read()) + 1)
  }
  /** Cluster time − this machine's wall clock. */
  offsetMs(): number {
    const read = this.#read()
    return this.#estimator.nowMs(read) - read.wallMs
  }
  wallMs(): number {
    return this.#machine.wallMs()
  }
  monotonicMs(): number {
    return this.#machine.monotonicMs()
  }
  after(delayMs: number, callback: () => void): () => void {
    return this.#machine.after(delayMs, callback)
  }
  soon(callback: () => void): () => void {
    return this.#machine.soon(callback)
  }

  /** See TimeEstimator.take. */
  take(sample: TimeSample): number | undefined {
    return this.#estimator.take(sample, this.#read())
  }

  #read(): Reading {
    return { monotonicMs: this.#machine.monotonicMs(), wallMs: this.#machine.wallMs() }
  }
}
