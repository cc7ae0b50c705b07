// What a command did, in the past tense. One vocabulary for log, history, feed, SSE and socket.

import type { Actor } from './command.ts'
import type { Timer } from './timer.ts'

export const eventTypes = [
  'created',
  'replaced',
  'updated',
  'started',
  'paused',
  'reset',
  'restarted',
  'adjusted',
  'extended',
  'completed',
  'deleted',
] as const
export type EventType = (typeof eventTypes)[number]

export interface Cause {
  readonly actor: Actor
  readonly requestId: string
}

/** `timer` is the whole timer after the event; for `deleted` as it was, with the new version. */
export interface TimerEvent {
  readonly type: EventType
  readonly timer: Timer
  readonly cause: Cause
}

/** A TimerEvent in its place in the log. `occurredAtMs` is when it was judged, in cluster time. */
export interface LoggedEvent extends TimerEvent {
  readonly partition: number
  readonly sequence: number
  readonly index: number
  readonly occurredAtMs: number
}

/** The id that history and feed show: unique in a cluster's life. */
export function eventId(event: Pick<LoggedEvent, 'partition' | 'sequence' | 'index'>): string {
  return `evt_${event.partition}_${event.sequence}_${event.index}`
}
