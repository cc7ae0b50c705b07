// The real clock. Seen by composition roots only; cluster time is this machine's wall clock.

import type { Clock } from './clock.ts'

export function createSystemClock(): Clock {
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
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
