// This machine's clock, taken for right. Seen by composition roots only, which measure cluster time on top of it.

import type { Clock } from './clock.ts'

export function createSystemClock(): Clock {
  return {
    nowMs: () => Date.now(),
    errorMs: () => 0,
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
    after(delayMs, callback) {
      const timeout = setTimeout(callback, delayMs)
      return () => {
        clearTimeout(timeout)
      }
    },
    soon(callback) {
      const immediate = setImmediate(callback)
      return () => {
        clearImmediate(immediate)
      }
    },
  }
}
