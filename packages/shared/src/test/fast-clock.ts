// The real clock, many times as fast: for tests of what takes seconds.

import type { Clock } from '../clock.ts'
import { createSystemClock } from '../system-clock.ts'

export function createFastClock(times: number): Clock {
  const real = createSystemClock()
  const startedAtMs = real.nowMs()
  const monotonicMs = (): number => real.monotonicMs() * times
  const startedMonotonicMs = monotonicMs()
  const nowMs = (): number => Math.floor(startedAtMs + monotonicMs() - startedMonotonicMs)
  return {
    nowMs,
    wallMs: nowMs,
    errorMs: () => 0,
    monotonicMs,
    after: (delayMs, callback) => real.after(delayMs / times, callback),
    soon: (callback) => real.soon(callback),
  }
}
