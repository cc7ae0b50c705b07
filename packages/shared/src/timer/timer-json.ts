// The timer as clients see it: a function of its version, so its text is made once and its ETag is honest.

import type { CompletedBy, JsonObject, Labels, Timer, TimerState } from './timer.ts'

/** Instants are RFC 3339 UTC with milliseconds. */
export interface TimerJson {
  readonly id: string
  readonly version: number
  readonly state: TimerState
  readonly title: string
  readonly durationMs: number
  readonly remainingMs: number | null
  readonly deadline: string | null
  readonly labels: Labels
  readonly metadata: JsonObject
  readonly retentionMs: number
  readonly createdAt: string
  readonly updatedAt: string
  readonly completedAt: string | null
  readonly completedBy: CompletedBy | null
}

/** RFC 3339 UTC with milliseconds. */
export function instant(ms: number): string {
  // eslint-disable-next-line no-restricted-globals -- formats an instant it is given; reads no clock
  return new Date(ms).toISOString()
}

export function timerToJson(timer: Timer): TimerJson {
  return {
    id: timer.timerId,
    version: timer.version,
    state: timer.state,
    title: timer.title,
    durationMs: timer.durationMs,
    remainingMs: timer.remainingMs,
    deadline: timer.deadlineMs === null ? null : instant(timer.deadlineMs),
    labels: timer.labels,
    metadata: timer.metadata === '' ? {} : (JSON.parse(timer.metadata) as JsonObject),
    retentionMs: timer.retentionMs,
    createdAt: instant(timer.createdAtMs),
    updatedAt: instant(timer.updatedAtMs),
    completedAt: timer.completedAtMs === null ? null : instant(timer.completedAtMs),
    completedBy: timer.completedBy,
  }
}

/** The text of timerToJson, without taking the metadata apart. */
export function timerJsonText(timer: Timer): string {
  const head = {
    id: timer.timerId,
    version: timer.version,
    state: timer.state,
    title: timer.title,
    durationMs: timer.durationMs,
    remainingMs: timer.remainingMs,
    deadline: timer.deadlineMs === null ? null : instant(timer.deadlineMs),
    labels: timer.labels,
  }
  const tail = {
    retentionMs: timer.retentionMs,
    createdAt: instant(timer.createdAtMs),
    updatedAt: instant(timer.updatedAtMs),
    completedAt: timer.completedAtMs === null ? null : instant(timer.completedAtMs),
    completedBy: timer.completedBy,
  }
  return `${JSON.stringify(head).slice(0, -1)},"metadata":${timer.metadata || '{}'},${JSON.stringify(tail).slice(1)}`
}
