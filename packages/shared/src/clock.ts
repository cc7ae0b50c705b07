// Time as an argument. Ideas get a Clock; only an app's composition root knows the real one.

/** The instant all clients are told, in milliseconds since 1970. */
export interface ClusterClock {
  nowMs(): number
  /** How far nowMs() may be off; Infinity = not known: nothing may fire, or be answered, by it. */
  errorMs(): number
}

export interface Clock extends ClusterClock {
  /** Milliseconds that only grow; their zero means nothing. */
  monotonicMs(): number
  /** This machine's own wall clock: may be set; goes on while a suspended machine's monotonic one stands. */
  wallMs(): number
  /** Calls back once, not before `delayMs`; the answer cancels it. Delays over a day are the caller's to cut. */
  after(delayMs: number, callback: () => void): () => void
  /** Calls back once, after what is under way and before the next input is read; the answer cancels it. */
  soon(callback: () => void): () => void
}

/** Resolves after `delayMs`, or at once when the signal aborts. */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve()
      return
    }
    const done = (): void => {
      cancel()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.after(delayMs, done)
    signal?.addEventListener('abort', done)
  })
}
