// Timers and events for the tests of this app: small, valid, each its own.

import type { EventType, TimerEvent } from '@timers/shared/timer/event.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'
import type { Packing } from '../src/partition/ports.ts'

export const baseMs = 1_700_000_000_000

export function idle(timerId: string, over: Partial<Timer> = {}): Timer {
  return {
    tenantId: 'default',
    timerId,
    version: 1,
    state: 'idle',
    title: '',
    durationMs: 60_000,
    remainingMs: 60_000,
    deadlineMs: null,
    labels: {},
    metadata: '',
    retentionMs: 0,
    createdAtMs: baseMs,
    updatedAtMs: baseMs,
    completedAtMs: null,
    completedBy: null,
    ...over,
  } as Timer
}

export function running(timerId: string, deadlineMs: number, over: Partial<Timer> = {}): Timer {
  return idle(timerId, { state: 'running', remainingMs: null, deadlineMs, ...over } as Partial<Timer>)
}

export function eventOf(type: EventType, timer: Timer, requestId = 'r'): TimerEvent {
  return { type, timer, cause: { actor: { type: 'operator', id: 'local' }, requestId } }
}

export const packing: Packing = {
  pack: (timer) => JSON.stringify(timer),
  unpack: (packed) => JSON.parse(packed) as Timer,
}
