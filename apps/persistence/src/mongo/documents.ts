// Timers, events and positions as MongoDB keeps them, and back. Labels are pairs, because their keys are the
// clients': never a field name here. Numbers are integers that a double holds exactly. It asks no database.

import type { Actor } from '@timers/shared/timer/command.ts'
import type { EventType, LoggedEvent } from '@timers/shared/timer/event.ts'
import { eventId } from '@timers/shared/timer/event.ts'
import type { CompletedBy, Labels, Timer, TimerState } from '@timers/shared/timer/timer.ts'
import type { UnknownFields } from '@timers/shared/timer/unknown-fields.ts'
import { Binary } from 'mongodb'
import type { Gap, StoredPosition } from '../projection/repository.ts'

interface TimerBody {
  tenantId: string
  timerId: string
  version: number
  state: TimerState
  title: string
  durationMs: number
  remainingMs: number | null
  deadlineMs: number | null
  labels: { k: string; v: string }[]
  /** JSON text. */
  metadata: string
  retentionMs: number
  createdAtMs: number
  updatedAtMs: number
  completedAtMs: number | null
  completedBy: CompletedBy | null
  /** Fields of a newer build, by tag. */
  unknown?: { tag: number; values: Binary[] }[]
}

/** Collection `timers`: the newest state of each; a deleted one stays, marked, until its TTL. */
export interface TimerDocument extends TimerBody {
  /** tenantId/timerId; neither has a slash in it. */
  _id: string
  partition: number
  sequence: number
  build: string
  deleted: boolean
  /** For the TTL index; only of deleted ones. */
  deletedAt?: Date
}

/** Collection `events`: the audit. */
export interface EventDocument {
  /** evt_<partition>_<sequence>_<index> */
  _id: string
  tenantId: string
  timerId: string
  version: number
  type: EventType
  partition: number
  sequence: number
  index: number
  build: string
  occurredAtMs: number
  /** The same, for the TTL index. */
  occurredAt: Date
  actor: Actor
  requestId: string
  timer: TimerBody
}

/** Collection `positions`: one a partition. */
export interface PositionDocument {
  /** The partition. */
  _id: number
  dataId: string
  build: string
  sequence: number
  term: string | null
  storedAtMs: number | null
  endSeenAtMs: number
  /** While older builds' documents from this record on are being removed; nothing is read on meanwhile. */
  clearFrom?: number
  /** What this build never read. */
  gap?: Gap
}

/** Collection `gaps`: where the history of a partition's timers has a hole. */
export interface GapDocument extends Gap {
  /** <partition>_<to> */
  _id: string
  partition: number
  at: Date
}

/** Collection `poison`: records set aside. */
export interface PoisonDocument {
  /** <partition>_<sequence> */
  _id: string
  reason: string
  data: Binary
  at: Date
}

export function toTimerDocument(event: LoggedEvent, build: string): TimerDocument {
  const { timer, type, partition, sequence, occurredAtMs } = event
  const deleted = type === 'deleted'
  return {
    _id: `${timer.tenantId}/${timer.timerId}`,
    ...toBody(timer),
    partition,
    sequence,
    build,
    deleted,
    ...(deleted ? { deletedAt: new Date(occurredAtMs) } : {}),
  }
}

export function toEventDocument(event: LoggedEvent, build: string): EventDocument {
  const { timer, cause, type, partition, sequence, index, occurredAtMs } = event
  return {
    _id: eventId(event),
    tenantId: timer.tenantId,
    timerId: timer.timerId,
    version: timer.version,
    type,
    partition,
    sequence,
    index,
    build,
    occurredAtMs,
    occurredAt: new Date(occurredAtMs),
    actor: { type: cause.actor.type, id: cause.actor.id },
    requestId: cause.requestId,
    timer: toBody(timer),
  }
}

export function toEvent(document: EventDocument): LoggedEvent {
  const { partition, sequence, index, occurredAtMs, type, timer, actor, requestId } = document
  return {
    partition,
    sequence,
    index,
    occurredAtMs,
    type,
    timer: toTimer(timer),
    cause: { actor, requestId },
  }
}

export function toPosition(document: PositionDocument): StoredPosition {
  const { _id, dataId, build, sequence, term, storedAtMs, endSeenAtMs } = document
  return {
    partition: _id,
    dataId,
    build,
    sequence,
    term: term ?? undefined,
    storedAtMs: storedAtMs ?? undefined,
    endSeenAtMs,
  }
}

export function toTimer(body: TimerBody): Timer {
  const unknown = toUnknownFields(body.unknown)
  // Written by toBody from a Timer: the fields of its state are as that has them.
  return {
    tenantId: body.tenantId,
    timerId: body.timerId,
    version: body.version,
    state: body.state,
    title: body.title,
    durationMs: body.durationMs,
    remainingMs: body.remainingMs,
    deadlineMs: body.deadlineMs,
    labels: toLabels(body.labels),
    metadata: body.metadata,
    retentionMs: body.retentionMs,
    createdAtMs: body.createdAtMs,
    updatedAtMs: body.updatedAtMs,
    completedAtMs: body.completedAtMs,
    completedBy: body.completedBy,
    ...(unknown === undefined ? {} : { unknown }),
  } as Timer
}

function toBody(timer: Timer): TimerBody {
  const { labels, unknown, ...rest } = timer
  return {
    ...rest,
    labels: Object.entries(labels).map(([k, v]) => ({ k, v })),
    ...(unknown === undefined ? {} : { unknown: fromUnknownFields(unknown) }),
  }
}

/** From entries: assignment would lose the label `__proto__`. */
function toLabels(pairs: readonly { k: string; v: string }[]): Labels {
  return Object.fromEntries(pairs.map(({ k, v }) => [k, v]))
}

function fromUnknownFields(fields: UnknownFields): { tag: number; values: Binary[] }[] {
  return Object.entries(fields).map(([tag, values]) => ({
    tag: Number(tag),
    values: values.map((value) => new Binary(value)),
  }))
}

function toUnknownFields(fields: TimerBody['unknown']): UnknownFields | undefined {
  if (fields === undefined) return undefined
  return Object.fromEntries(
    fields.map(({ tag, values }) => [tag, values.map((value) => new Uint8Array(value.value()))]),
  )
}
