// What a person is shown: timers, events and problems in words. Only words; it asks and writes nothing.

import type { EventJson } from '@timers/shared/timer/event-json.ts'
import type { TimerJson } from '@timers/shared/timer/timer-json.ts'
import { formatDuration } from './duration.ts'
import type { Problem } from './service.ts'

/** One line: id, state, what is left or how it ended, title. `nowMs`: the service's clock. */
export function timerLine(timer: TimerJson, nowMs: number, idWidth = 0): string {
  const { id, state, title } = timer
  return [
    id.padEnd(idWidth),
    state.padEnd(9),
    `${clockOf(timer, nowMs)}${title === '' ? '' : `   ${title}`}`,
  ].join('  ')
}

function clockOf(timer: TimerJson, nowMs: number): string {
  const { remainingMs, deadline, completedAt } = timer
  if (deadline === null) return `${formatDuration(remainingMs ?? 0)} left`
  if (completedAt === null)
    return `${formatDuration(Math.max(0, Date.parse(deadline) - nowMs))} left, due ${localTime(deadline)}`
  return timer.completedBy === 'fire'
    ? `fired ${localTime(completedAt)}, ${latenessMs(timer)} ms late`
    : `ended by a command ${localTime(completedAt)}`
}

/** Of one that fired. */
export function latenessMs({ completedAt, deadline }: TimerJson): number {
  return Date.parse(completedAt ?? '') - Date.parse(deadline ?? '')
}

/** All a timer has that a line does not show. */
export function timerDetails(timer: TimerJson): string[] {
  const { version, durationMs, labels, metadata, createdAt, updatedAt } = timer
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
  return [
    `  version ${version}, of ${formatDuration(durationMs)}, created ${localTime(createdAt)}, changed ${localTime(updatedAt)}`,
    ...(pairs.length > 0 ? [`  labels ${pairs.join(' ')}`] : []),
    ...(Object.keys(metadata).length > 0 ? [`  metadata ${JSON.stringify(metadata)}`] : []),
  ]
}

export function eventLine({
  occurredAt,
  timerId,
  version,
  type,
  actor,
  requestId,
  timer,
}: EventJson): string {
  const who = actor.type === 'clock' ? 'clock' : `${actor.type} ${actor.id}`
  return [
    localTime(occurredAt),
    `${timerId} v${version}`,
    type.slice('timer.'.length).padEnd(9),
    ...(type === 'timer.deleted' ? [] : [clockOf(timer, Date.parse(occurredAt))]),
    `by ${who}`,
    requestId,
  ].join('  ')
}

/** Title, detail and every fault. */
export function problemText({ title, status, code, detail, errors = [], requestId }: Problem): string {
  const faults = errors.map((fault) => {
    const where = fault.pointer ?? fault.parameter ?? fault.header ?? ''
    return `  ${where}: ${fault.detail} (${fault.code})`
  })
  const request = requestId === undefined ? [] : [`  request ${requestId}`]
  return [`${title}: ${detail} (${status} ${code})`, ...faults, ...request].join('\n')
}

/** In the zone of this machine, with the milliseconds. */
function localTime(instant: string): string {
  const at = new Date(instant)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join('-')
  const time = [two(at.getHours()), two(at.getMinutes()), two(at.getSeconds())].join(':')
  return `${day} ${time}.${String(at.getMilliseconds()).padStart(3, '0')}`
}
