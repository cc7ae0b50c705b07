// What set, add, multiply and extendIfWithin make of the remaining time. Pure.

import type { Fault, Refusal } from '@timers/shared/errors.ts'
import type { Operation } from '@timers/shared/timer/command.ts'
import { remainingAt, type Timer } from '@timers/shared/timer/timer.ts'
import { withRemaining } from './after.ts'
import {
  changeFault,
  factorFault,
  instantFault,
  refusalOf,
  remainingFault,
  spanFault,
} from './limit-faults.ts'

type Adjustment = Extract<Operation, { op: 'set' | 'add' | 'multiply' | 'extendIfWithin' }>

/** The very same timer when that leaves its time as it is. */
export function adjusted(timer: Timer, operation: Adjustment, nowMs: number): Timer | Refusal {
  const leftMs = remainingAt(timer, nowMs)
  switch (operation.op) {
    case 'set': {
      if ('remainingMs' in operation) {
        const { remainingMs } = operation
        return checked(timer, remainingMs, nowMs, '/remainingMs', spanFault('/remainingMs', remainingMs))
      }
      const { deadlineMs } = operation
      return checked(timer, deadlineMs - nowMs, nowMs, '/deadline', instantFault('/deadline', deadlineMs))
    }
    case 'add': {
      const { byMs } = operation
      return checked(timer, leftMs + byMs, nowMs, '/byMs', changeFault('/byMs', byMs))
    }
    case 'multiply': {
      const { factor } = operation
      // Math.round rounds halves up.
      return checked(timer, Math.round(leftMs * factor), nowMs, '/factor', factorFault('/factor', factor))
    }
    case 'extendIfWithin':
      return extended(timer, operation, leftMs, nowMs)
  }
}

function extended(
  timer: Timer,
  { windowMs, byMs, maxDeadlineMs }: Extract<Operation, { op: 'extendIfWithin' }>,
  leftMs: number,
  nowMs: number,
): Timer | Refusal {
  const refusal = refusalOf(
    spanFault('/windowMs', windowMs),
    spanFault('/byMs', byMs),
    maxDeadlineMs === undefined ? undefined : instantFault('/maxDeadline', maxDeadlineMs),
  )
  if (refusal !== undefined) {
    return refusal
  }
  const longerMs = Math.min(leftMs + byMs, (maxDeadlineMs ?? Infinity) - nowMs)
  return leftMs > windowMs || longerMs <= leftMs ? timer : checked(timer, longerMs, nowMs, '/byMs')
}

/** `fault`: of the value at `pointer`, which leads to `remainingMs`. */
function checked(
  timer: Timer,
  remainingMs: number,
  nowMs: number,
  pointer: string,
  fault?: Fault,
): Timer | Refusal {
  return (
    refusalOf(fault ?? remainingFault(pointer, remainingMs)) ??
    withRemaining(timer, Math.max(0, remainingMs), nowMs)
  )
}
