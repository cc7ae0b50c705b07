// Timer, labels, actor and the enumerations: domain ↔ proto. Rejects what the domain's types cannot
// hold, carries through fields it does not know; never judges limits, which are the edges'.

import {
  ActorType as PbActorType,
  CompletedBy as PbCompletedBy,
  EventType as PbEventType,
  TimerState as PbTimerState,
  Timer as PbTimer,
  type Actor as PbActor,
  type Label as PbLabel,
} from '@timers/proto/timers/v1/timer.ts'
import type { Actor } from '../timer/command.ts'
import type { EventType } from '../timer/event.ts'
import type { CompletedBy, Labels, Timer, TimerState } from '../timer/timer.ts'
import type { UnknownFields } from '../timer/unknown-fields.ts'
import { Int64Writer } from './int64-writer.ts'
import { decode, filled, integer, known, natural, positive, present } from './wire-error.ts'

const stateToWire = {
  idle: PbTimerState.TIMER_STATE_IDLE,
  running: PbTimerState.TIMER_STATE_RUNNING,
  paused: PbTimerState.TIMER_STATE_PAUSED,
  completed: PbTimerState.TIMER_STATE_COMPLETED,
} as const satisfies Record<TimerState, PbTimerState>

const completedByToWire = {
  fire: PbCompletedBy.COMPLETED_BY_FIRE,
  command: PbCompletedBy.COMPLETED_BY_COMMAND,
} as const satisfies Record<CompletedBy, PbCompletedBy>

const actorTypeToWire = {
  key: PbActorType.ACTOR_TYPE_KEY,
  token: PbActorType.ACTOR_TYPE_TOKEN,
  link: PbActorType.ACTOR_TYPE_LINK,
  clock: PbActorType.ACTOR_TYPE_CLOCK,
  operator: PbActorType.ACTOR_TYPE_OPERATOR,
} as const satisfies Record<Actor['type'], PbActorType>

const eventTypeToWireTable = {
  created: PbEventType.EVENT_TYPE_CREATED,
  replaced: PbEventType.EVENT_TYPE_REPLACED,
  updated: PbEventType.EVENT_TYPE_UPDATED,
  started: PbEventType.EVENT_TYPE_STARTED,
  paused: PbEventType.EVENT_TYPE_PAUSED,
  reset: PbEventType.EVENT_TYPE_RESET,
  restarted: PbEventType.EVENT_TYPE_RESTARTED,
  adjusted: PbEventType.EVENT_TYPE_ADJUSTED,
  extended: PbEventType.EVENT_TYPE_EXTENDED,
  completed: PbEventType.EVENT_TYPE_COMPLETED,
  deleted: PbEventType.EVENT_TYPE_DELETED,
} as const satisfies Record<EventType, PbEventType>

/** The names of a table by their numbers. */
function namesOf<K extends string>(table: Readonly<Record<K, number>>): readonly (K | undefined)[] {
  const names: (K | undefined)[] = []
  for (const name of Object.keys(table) as K[]) names[table[name]] = name
  return names
}

const stateNames = namesOf(stateToWire)
const completedByNames = namesOf(completedByToWire)
const actorTypeNames = namesOf(actorTypeToWire)
const eventTypeNames = namesOf(eventTypeToWireTable)

export function timerStateToWire(state: TimerState): PbTimerState {
  return stateToWire[state]
}

export function timerStateFromWire(state: PbTimerState): TimerState {
  return known(stateNames[state], 'timer.state', state)
}

export function eventTypeToWire(type: EventType): PbEventType {
  return eventTypeToWireTable[type]
}

export function eventTypeFromWire(type: PbEventType): EventType {
  return known(eventTypeNames[type], 'event.type', type)
}

export function actorToWire(actor: Actor): PbActor {
  return { type: actorTypeToWire[actor.type], id: actor.id }
}

export function actorFromWire(pb: PbActor | undefined): Actor {
  const { type, id } = present(pb, 'actor')
  return { type: known(actorTypeNames[type], 'actor.type', type), id }
}

export function labelsToWire(labels: Labels): PbLabel[] {
  const pairs: PbLabel[] = []
  for (const key of Object.keys(labels)) pairs.push({ key, value: labels[key] ?? '' })
  return pairs
}

const noLabels: Labels = Object.freeze({})

export function labelsFromWire(pairs: readonly PbLabel[]): Labels {
  if (pairs.length === 0) return noLabels
  const labels: Record<string, string> = {}
  for (const { key, value } of pairs) {
    // Plain assignment would set the prototype instead of the label.
    if (key === '__proto__') {
      Object.defineProperty(labels, key, { value, enumerable: true, configurable: true, writable: true })
    } else labels[key] = value
  }
  return labels
}

/** Throws a WireError that names the field a Timer must not have so. */
export function timerToWire(timer: Timer): PbTimer {
  return {
    tenantId: filled(timer.tenantId, 'timer.tenantId'),
    timerId: filled(timer.timerId, 'timer.timerId'),
    version: positive(timer.version, 'timer.version'),
    state: stateToWire[timer.state],
    title: timer.title,
    durationMs: natural(timer.durationMs, 'timer.durationMs'),
    remainingMs: timer.remainingMs === null ? 0 : natural(timer.remainingMs, 'timer.remainingMs'),
    deadlineMs: timer.deadlineMs === null ? 0 : integer(timer.deadlineMs, 'timer.deadlineMs'),
    labels: labelsToWire(timer.labels),
    metadata: timer.metadata,
    retentionMs: natural(timer.retentionMs, 'timer.retentionMs'),
    createdAtMs: integer(timer.createdAtMs, 'timer.createdAtMs'),
    updatedAtMs: integer(timer.updatedAtMs, 'timer.updatedAtMs'),
    completedAtMs: timer.completedAtMs === null ? 0 : integer(timer.completedAtMs, 'timer.completedAtMs'),
    completedBy: timer.completedBy === null ? 0 : completedByToWire[timer.completedBy],
    _unknownFields: timer.unknown as PbTimer['_unknownFields'],
  }
}

/** Throws a WireError when it breaks the Timer's shape. */
export function timerFromWire(pb: PbTimer): Timer {
  const state = timerStateFromWire(pb.state)
  const completed = state === 'completed'
  // One literal for every state, so that all timers share one hidden class; the casts are what the
  // lines below make true.
  const timer = {
    tenantId: filled(pb.tenantId, 'timer.tenantId'),
    timerId: filled(pb.timerId, 'timer.timerId'),
    version: positive(pb.version, 'timer.version'),
    state,
    title: pb.title,
    durationMs: natural(pb.durationMs, 'timer.durationMs'),
    remainingMs: state === 'running' ? null : completed ? 0 : natural(pb.remainingMs, 'timer.remainingMs'),
    deadlineMs: state === 'running' || completed ? pb.deadlineMs : null,
    labels: labelsFromWire(pb.labels),
    metadata: pb.metadata,
    retentionMs: natural(pb.retentionMs, 'timer.retentionMs'),
    createdAtMs: pb.createdAtMs,
    updatedAtMs: pb.updatedAtMs,
    completedAtMs: completed ? pb.completedAtMs : null,
    completedBy: completed
      ? known(completedByNames[pb.completedBy], 'timer.completedBy', pb.completedBy)
      : null,
  } as Timer
  const unknown = unknownOf(pb._unknownFields)
  return unknown === undefined ? timer : { ...timer, unknown }
}

/** A copy: what the decoder hands out would keep the whole message in memory. */
function unknownOf(fields: PbTimer['_unknownFields']): UnknownFields | undefined {
  if (fields === undefined) return undefined
  const entries = Object.entries(fields)
  if (entries.length === 0) return undefined
  return Object.fromEntries(entries.map(([tag, values]) => [tag, values.map((value) => value.slice())]))
}

/** The Timer message alone. */
export function packTimer(timer: Timer): Uint8Array {
  return PbTimer.encode(timerToWire(timer)).finish()
}

export function unpackTimer(bytes: Uint8Array): Timer {
  return timerFromWire(decode(PbTimer, bytes, 'timer'))
}

/** How core keeps timers that are not running: their bytes as Latin-1, so one flat string on the heap. */
export function createPacking(): { pack(timer: Timer): string; unpack(packed: string): Timer } {
  // One writer for all: it keeps its buffer, and to make it costs more than to fill it.
  const writer = new Int64Writer()
  return {
    pack(timer) {
      const { buffer, byteOffset, byteLength } = PbTimer.encode(timerToWire(timer), writer).finish()
      return Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
    },
    unpack: (packed) => unpackTimer(Buffer.from(packed, 'latin1')),
  }
}
