// A timer after something happened to its time: one function for each state it can be in then. Pure;
// judges nothing. `nowMs` must not be before the timer's updatedAtMs.
//
// All spread an older timer, so that every timer has its properties in the same order: one hidden class.

import {
  remainingAt,
  type CompletedBy,
  type CompletedTimer,
  type RunningTimer,
  type StoppedTimer,
  type Timer,
} from '@timers/shared/timer/timer.ts'

export function stopped(
  timer: Timer,
  state: 'idle' | 'paused',
  remainingMs: number,
  nowMs: number,
): StoppedTimer {
  return {
    ...timer,
    version: timer.version + 1,
    state,
    remainingMs,
    deadlineMs: null,
    updatedAtMs: nowMs,
    completedAtMs: null,
    completedBy: null,
  }
}

export function running(timer: Timer, deadlineMs: number, nowMs: number): RunningTimer {
  return {
    ...timer,
    version: timer.version + 1,
    state: 'running',
    remainingMs: null,
    deadlineMs,
    updatedAtMs: nowMs,
    completedAtMs: null,
    completedBy: null,
  }
}

export function completed(
  timer: Timer,
  deadlineMs: number,
  completedBy: CompletedBy,
  nowMs: number,
): CompletedTimer {
  return {
    ...timer,
    version: timer.version + 1,
    state: 'completed',
    remainingMs: 0,
    deadlineMs,
    updatedAtMs: nowMs,
    completedAtMs: nowMs,
    completedBy,
  }
}

/** Running for `remainingMs` from now; completed by command when there is nothing to run. */
export function started(timer: Timer, remainingMs: number, nowMs: number): RunningTimer | CompletedTimer {
  return remainingMs > 0
    ? running(timer, nowMs + remainingMs, nowMs)
    : completed(timer, nowMs, 'command', nowMs)
}

/** With another remaining time, in the state that follows from it; the very same timer when it has that already. */
export function withRemaining(timer: Timer, remainingMs: number, nowMs: number): Timer {
  switch (timer.state) {
    case 'idle':
    case 'paused':
      return remainingMs === timer.remainingMs ? timer : stopped(timer, timer.state, remainingMs, nowMs)
    case 'running':
      return remainingMs > 0 && remainingMs === remainingAt(timer, nowMs)
        ? timer
        : started(timer, remainingMs, nowMs)
    case 'completed':
      return remainingMs === 0 ? timer : stopped(timer, 'paused', remainingMs, nowMs)
  }
}
