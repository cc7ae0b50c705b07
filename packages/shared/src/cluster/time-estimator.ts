// What the broker's clock says, from samples of it: the least round trip of the last eight counts, half of it is the
// error. Pure. It never goes back but by a step, and knows nothing once the machine's two clocks went apart.

/** This machine's two clocks at one moment. */
export interface Reading {
  readonly monotonicMs: number
  readonly wallMs: number
}

/** A question to the broker: when it left and when its answer came, monotonic, and the broker's clock between. */
export interface TimeSample {
  readonly sentAtMs: number
  readonly receivedAtMs: number
  readonly brokerMs: number
}

export const timeLimits = {
  samples: 8,
  /** Off by more, the time is set at once; by less, it goes faster or slower until it is right. */
  stepMs: 1000,
  slew: 0.01,
  /** Wall and monotonic clock further apart than so: the machine slept, or one of them was set. */
  apartMs: 250,
} as const

interface Measured {
  /** Broker time − monotonic time. */
  readonly offsetMs: number
  readonly errorMs: number
}

export class TimeEstimator {
  /** Newest last; they agree with each other. */
  #samples: Measured[] = []
  #everMeasured = false
  /** When the last sample was taken. */
  #together: Reading
  /** Only what was asked after this moment is news. */
  #unknownSinceMs: number
  /** The offset goes from here … */
  #from: { readonly atMs: number; readonly offsetMs: number }
  /** … to here. */
  #toOffsetMs: number

  /** Until the first sample it is the time of the wall clock, and unknown. */
  constructor(now: Reading) {
    this.#together = now
    this.#unknownSinceMs = now.monotonicMs
    this.#toOffsetMs = now.wallMs - now.monotonicMs
    this.#from = { atMs: now.monotonicMs, offsetMs: this.#toOffsetMs }
  }

  nowMs(now: Reading): number {
    this.#look(now)
    return now.monotonicMs + this.#offsetMs(now.monotonicMs)
  }

  /** How far nowMs() may be off; Infinity = not known, nothing may rest on it. */
  errorMs(now: Reading): number {
    this.#look(now)
    const best = this.#best()
    if (best === undefined) return Infinity
    return best.errorMs + Math.abs(this.#toOffsetMs - this.#offsetMs(now.monotonicMs))
  }

  /** How far the time was set at once, 0 = it was not; undefined = the sample says nothing about now. */
  take({ sentAtMs, receivedAtMs, brokerMs }: TimeSample, now: Reading): number | undefined {
    this.#look(now)
    if (sentAtMs < this.#unknownSinceMs) return undefined
    const first = this.#samples.length === 0
    const errorMs = (receivedAtMs - sentAtMs) / 2
    const offsetMs = brokerMs - (sentAtMs + receivedAtMs) / 2
    // What contradicts the newest is of another broker, or of a clock that was set since.
    const agrees = (one: Measured): boolean => Math.abs(one.offsetMs - offsetMs) <= one.errorMs + errorMs
    this.#samples = [...this.#samples.filter(agrees), { offsetMs, errorMs }].slice(-timeLimits.samples)
    this.#together = now

    const beforeMs = this.#offsetMs(now.monotonicMs)
    this.#toOffsetMs = this.#best()?.offsetMs ?? offsetMs
    const byMs = this.#toOffsetMs - beforeMs
    // Forward after a time in which nothing rested on it is no step for anybody.
    const steps = !this.#everMeasured || (first && byMs > 0) || Math.abs(byMs) > timeLimits.stepMs
    this.#everMeasured = true
    this.#from = { atMs: now.monotonicMs, offsetMs: steps ? this.#toOffsetMs : beforeMs }
    return steps ? byMs : 0
  }

  #look({ monotonicMs, wallMs }: Reading): void {
    const apartMs = wallMs - this.#together.wallMs - (monotonicMs - this.#together.monotonicMs)
    if (Math.abs(apartMs) <= timeLimits.apartMs) return
    this.#together = { monotonicMs, wallMs }
    this.#unknownSinceMs = monotonicMs
    this.#samples = []
  }

  #best(): Measured | undefined {
    let best: Measured | undefined
    for (const one of this.#samples) if (best === undefined || one.errorMs <= best.errorMs) best = one
    return best
  }

  #offsetMs(monotonicMs: number): number {
    const { atMs, offsetMs } = this.#from
    const mostMs = timeLimits.slew * Math.max(0, monotonicMs - atMs)
    return offsetMs + Math.min(mostMs, Math.max(-mostMs, this.#toOffsetMs - offsetMs))
  }
}
