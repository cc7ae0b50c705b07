// What a command does to a timer: one total function that obeys the table. Pure: no clock, no IO, no
// randomness; never throws.

import type { ErrorCode, Refusal } from '@timers/shared/errors.ts'
import type { Actor, Command, Op } from '@timers/shared/timer/command.ts'
import type { EventType, TimerEvent } from '@timers/shared/timer/event.ts'
import { remainingAt, type RunningTimer, type Timer } from '@timers/shared/timer/timer.ts'
import { adjusted } from './adjust.ts'
import { completed, started, stopped } from './after.ts'
import { put } from './put.ts'
import { table } from './table.ts'
import { updated } from './update.ts'

/** The clock's own command. */
export interface Fire extends Omit<Command, 'operation'> {
  readonly operation: { readonly op: 'fire' }
}

const clock: Actor = { type: 'clock', id: 'clock' }

/** `requestId`: of the command that set the deadline, so that a firing can be traced to it. */
export function fireOf({ tenantId, timerId }: Pick<Timer, 'tenantId' | 'timerId'>, requestId: string): Fire {
  return { tenantId, timerId, operation: { op: 'fire' }, actor: clock, requestId }
}

export type Outcome =
  | { readonly kind: 'event'; readonly event: TimerEvent }
  | { readonly kind: 'no-op'; readonly timer: Timer }
  | { readonly kind: 'refusal'; readonly refusal: Refusal }

/**
 * `nowMs`: cluster time, a whole number. `versionFloor`: the greatest version of any timer that was
 * deleted from the partition; a new timer starts above it.
 */
export function transition(
  timer: Timer | undefined,
  command: Command | Fire,
  nowMs: number,
  versionFloor: number,
): Outcome {
  return timer === undefined ? onNone(command, nowMs, versionFloor) : onTimer(timer, command, nowMs)
}

function onNone(command: Command | Fire, nowMs: number, versionFloor: number): Outcome {
  const { operation, tenantId, timerId } = command
  if (operation.op !== 'put') {
    return refused(table.none[operation.op], 'There is no such timer.')
  }
  if (command.ifVersion !== undefined) {
    return refused('version_mismatch', 'There is no such timer, so it has no version.')
  }
  const made = put({ tenantId, timerId, version: versionFloor, createdAtMs: nowMs }, operation, nowMs)
  return 'code' in made ? { kind: 'refusal', refusal: made } : happened(table.none.put, made, command)
}

function onTimer(timer: Timer, command: Command | Fire, nowMs: number): Outcome {
  if (command.ifVersion !== undefined && command.ifVersion !== timer.version) {
    return refused('version_mismatch', `The timer has version ${timer.version}.`)
  }
  if (command.ifAbsent === true) {
    return refused('already_exists', 'The timer exists.')
  }
  const { operation } = command
  const cell = table[timer.state][operation.op]
  if (cell === 'wrong_state') {
    return refused(cell, `${operation.op} is not possible while the timer is ${timer.state}.`)
  }
  if (cell === 'no-op') {
    return { kind: 'no-op', timer }
  }
  const after = applied(timer, operation, nowMs)
  if (after === timer) {
    return { kind: 'no-op', timer }
  }
  if ('code' in after) {
    return { kind: 'refusal', refusal: after }
  }
  const ended = after.state === 'completed' && !keepsItsName.has(operation.op)
  return happened(ended ? 'completed' : cell, after, command)
}

/** Whose event is not called `completed` because the timer is: they do not end it, or by another name. */
const keepsItsName: ReadonlySet<string> = new Set(['put', 'update', 'delete'] satisfies Op[])

/** The very same timer when nothing changes. */
function applied(timer: Timer, operation: (Command | Fire)['operation'], clockMs: number): Timer | Refusal {
  const nowMs = Math.max(clockMs, timer.updatedAtMs)
  switch (operation.op) {
    case 'put':
      return put(timer, operation, nowMs)
    case 'update':
      return updated(timer, operation, nowMs)
    case 'start':
      return started(timer, remainingAt(timer, nowMs), nowMs)
    case 'pause':
      return stopped(timer, 'paused', remainingAt(timer, nowMs), nowMs)
    case 'reset':
      return stopped(timer, 'idle', timer.durationMs, nowMs)
    case 'restart':
      return started(timer, timer.durationMs, nowMs)
    case 'set':
    case 'add':
    case 'multiply':
    case 'extendIfWithin':
      return adjusted(timer, operation, nowMs)
    case 'delete':
      return { ...timer, version: timer.version + 1 }
    case 'fire':
      return isDue(timer, clockMs) ? completed(timer, timer.deadlineMs, 'fire', nowMs) : timer
  }
}

/** By the clock itself, even where the timer's own times are ahead of it: never early. */
export function isDue(timer: Timer, clockMs: number): timer is RunningTimer {
  return timer.state === 'running' && timer.deadlineMs <= clockMs
}

function happened(type: EventType, timer: Timer, { actor, requestId }: Command | Fire): Outcome {
  return { kind: 'event', event: { type, timer, cause: { actor, requestId } } }
}

function refused(code: ErrorCode, detail: string): Outcome {
  return { kind: 'refusal', refusal: { code, detail } }
}
