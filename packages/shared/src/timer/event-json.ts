// The event as clients see it, the same everywhere: history, feed, SSE and socket.

import type { Actor } from './command.ts'
import type { EventType, TimerEvent } from './event.ts'
import { instant, timerJsonText, type TimerJson } from './timer-json.ts'

export type EventTypeName = `timer.${EventType}`

/** An event that is stored: `id` as eventId() makes it; judged at `occurredAtMs`, in cluster time. */
export interface StoredEvent extends TimerEvent {
  readonly id: string
  readonly occurredAtMs: number
}

export interface EventJson {
  readonly id: string
  readonly type: EventTypeName
  readonly timerId: string
  readonly version: number
  readonly occurredAt: string
  readonly actor: Actor
  readonly requestId: string
  readonly timer: TimerJson
}

export function eventTypeName(type: EventType): EventTypeName {
  return `timer.${type}`
}

/** The text of an EventJson. */
export function eventJsonText(event: StoredEvent): string {
  return `${JSON.stringify(headOf(event)).slice(0, -1)},"timer":${timerJsonText(event.timer)}}`
}

function headOf({ id, type, timer, occurredAtMs, cause }: StoredEvent): Omit<EventJson, 'timer'> {
  return {
    id,
    type: eventTypeName(type),
    timerId: timer.timerId,
    version: timer.version,
    occurredAt: instant(occurredAtMs),
    actor: { type: cause.actor.type, id: cause.actor.id },
    requestId: cause.requestId,
  }
}
