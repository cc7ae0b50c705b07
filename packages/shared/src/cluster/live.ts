// What services tell each other about timers without storing it: all of it may be lost. Pure.

/** The shown second of a watched, running timer changed. */
export interface Tick {
  readonly tenantId: string
  readonly timerId: string
  readonly version: number
  readonly remainingMs: number
}

export interface Watched {
  readonly tenantId: string
  readonly timerId: string
  readonly viewers: number
}

/** The timers of one partition whose ticks the viewers of one gateway want. */
export interface WatchList {
  readonly gateway: string
  readonly watched: readonly Watched[]
}

/** A client's message to the viewers of a timer; without `timerId` to all of the tenant. */
export interface ViewerMessage {
  readonly tenantId: string
  readonly timerId?: string
  readonly kind: string
  /** JSON text. */
  readonly data: string
}
