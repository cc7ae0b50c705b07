// A command judged whole, with the firings that belong to it. Pure.
//
// Order of judgement: an overdue Fire; then, in transition.ts, existence, ifVersion and ifAbsent, state,
// values; then the Fire of a put whose deadline has passed. All events go into one record.

import type { Command } from '@timers/shared/timer/command.ts'
import type { TimerEvent } from '@timers/shared/timer/event.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'
import { fireOf, isDue, transition, type Fire, type Outcome } from './transition.ts'

export interface Judgement {
  /** At most three, in order. */
  readonly events: readonly TimerEvent[]
  /** Of the command itself. */
  readonly outcome: Outcome
  /** After all events; undefined when there is none (any more). Never overdue. */
  readonly timer: Timer | undefined
}

/** `nowMs` and `versionFloor` as transition has them; `setBy`: the requestId that set the timer's deadline. */
export function judge(
  timer: Timer | undefined,
  command: Command | Fire,
  nowMs: number,
  versionFloor: number,
  setBy: string,
): Judgement {
  const events: TimerEvent[] = []
  let current = timer
  const step = (next: Command | Fire): Outcome => {
    const outcome = transition(current, next, nowMs, versionFloor)
    if (outcome.kind === 'event') {
      events.push(outcome.event)
      current = outcome.event.type === 'deleted' ? undefined : outcome.event.timer
    }
    return outcome
  }
  if (current !== undefined && command.operation.op !== 'fire' && isDue(current, nowMs))
    step(fireOf(current, setBy))
  const outcome = step(command)
  if (current !== undefined && isDue(current, nowMs)) step(fireOf(current, command.requestId))
  return { events, outcome, timer: current }
}
