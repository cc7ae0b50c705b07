// Questions to the read model and its answers: domain ↔ proto. A question is checked against every limit
// where it is read: what comes out of a *FromWire function is safe to ask a database.

import {
  type AuditEvent as PbAuditEvent,
  type FeedPlace as PbFeedPlace,
  type ListEventsResponse,
  type ListFeedRequest,
  type ListFeedResponse,
  type ListTimerEventsRequest,
  type ListTimersRequest,
  type ListTimersResponse,
  type Position,
  type StatsRequest,
  type StatsResponse,
} from '@timers/proto/timers/core/v1/queries.ts'
import { limits } from '../timer/limits.ts'
import { queryLimits } from '../timer/queries.ts'
import type {
  AuditEvent,
  EventPage,
  FeedPage,
  FeedPlace,
  FeedQuery,
  ListQuery,
  TimerEventsQuery,
  TimerPage,
  TimerStats,
} from '../timer/queries.ts'
import type { LogPosition } from '../timer/results.ts'
import {
  actorFromWire,
  actorToWire,
  eventTypeFromWire,
  eventTypeToWire,
  timerFromWire,
  timerStateFromWire,
  timerStateToWire,
  timerToWire,
} from './timer-wire.ts'
import { integer, natural, present, uint32, WireError } from './wire-error.ts'

/** Positions or places a question may have: more than any cluster has partitions. */
const placesMost = 4096

export function listQueryToWire(query: ListQuery): ListTimersRequest {
  return {
    tenantId: query.tenantId,
    state: query.state === undefined ? 0 : timerStateToWire(query.state),
    labels: query.labels.map(({ key, value }) => ({ key, value })),
    prefix: query.prefix,
    limit: uint32(query.limit, 'limit'),
    after: query.after === undefined ? undefined : { ...query.after },
    atLeast: query.atLeast.map(positionToWire),
  }
}

/** Throws a WireError that names the first field that is not allowed so. */
export function listQueryFromWire(pb: ListTimersRequest): ListQuery {
  if (pb.labels.length > limits.labels) throw new WireError('labels', `are more than ${limits.labels}`)
  return {
    tenantId: tenantIdFromWire(pb.tenantId),
    ...(pb.state === 0 ? {} : { state: timerStateFromWire(pb.state) }),
    labels: pb.labels.map(({ key, value }) => ({
      key: matching(key, limits.labelKey, 'label.key'),
      value: short(value, limits.labelValueLength, 'label.value'),
    })),
    prefix: prefixFromWire(pb.prefix),
    limit: limitFromWire(pb.limit),
    ...(pb.after === undefined
      ? {}
      : {
          after: {
            createdAtMs: integer(pb.after.createdAtMs, 'after.createdAtMs'),
            timerId: matching(pb.after.timerId, limits.timerId, 'after.timerId'),
          },
        }),
    atLeast: few(pb.atLeast, 'atLeast').map(positionFromWire),
  }
}

export function timerPageToWire(page: TimerPage): ListTimersResponse {
  return {
    timers: page.timers.map(timerToWire),
    more: page.more,
    asOfMs: integer(page.asOfMs, 'asOfMs'),
  }
}

export function timerPageFromWire(pb: ListTimersResponse): TimerPage {
  return { timers: pb.timers.map(timerFromWire), more: pb.more, asOfMs: pb.asOfMs }
}

export function timerEventsQueryToWire(query: TimerEventsQuery): ListTimerEventsRequest {
  return {
    tenantId: query.tenantId,
    timerId: query.timerId,
    afterVersion: natural(query.afterVersion, 'afterVersion'),
    limit: uint32(query.limit, 'limit'),
  }
}

export function timerEventsQueryFromWire(pb: ListTimerEventsRequest): TimerEventsQuery {
  return {
    tenantId: tenantIdFromWire(pb.tenantId),
    timerId: matching(pb.timerId, limits.timerId, 'timerId'),
    afterVersion: natural(pb.afterVersion, 'afterVersion'),
    limit: limitFromWire(pb.limit),
  }
}

export function eventPageToWire(page: EventPage): ListEventsResponse {
  return {
    events: page.events.map(auditEventToWire),
    more: page.more,
    asOfMs: integer(page.asOfMs, 'asOfMs'),
  }
}

export function eventPageFromWire(pb: ListEventsResponse): EventPage {
  return { events: pb.events.map(auditEventFromWire), more: pb.more, asOfMs: pb.asOfMs }
}

export function feedQueryToWire(query: FeedQuery): ListFeedRequest {
  return {
    tenantId: query.tenantId,
    after: query.after.map(placeToWire),
    type: query.type === undefined ? 0 : eventTypeToWire(query.type),
    prefix: query.prefix,
    limit: uint32(query.limit, 'limit'),
  }
}

export function feedQueryFromWire(pb: ListFeedRequest): FeedQuery {
  return {
    tenantId: tenantIdFromWire(pb.tenantId),
    after: few(pb.after, 'after').map(placeFromWire),
    ...(pb.type === 0 ? {} : { type: eventTypeFromWire(pb.type) }),
    prefix: prefixFromWire(pb.prefix),
    limit: limitFromWire(pb.limit),
  }
}

export function feedPageToWire(page: FeedPage): ListFeedResponse {
  return { ...eventPageToWire(page), next: page.next.map(placeToWire) }
}

export function feedPageFromWire(pb: ListFeedResponse): FeedPage {
  return {
    events: pb.events.map(auditEventFromWire),
    next: pb.next.map(placeFromWire),
    more: pb.more,
    asOfMs: pb.asOfMs,
  }
}

export function statsQueryFromWire(pb: StatsRequest): { readonly tenantId: string } {
  return { tenantId: tenantIdFromWire(pb.tenantId) }
}

export function statsToWire({ byState, asOfMs }: TimerStats): StatsResponse {
  return { ...byState, asOfMs: integer(asOfMs, 'asOfMs') }
}

export function statsFromWire(pb: StatsResponse): TimerStats {
  const { idle, running, paused, completed, asOfMs } = pb
  return { byState: { idle, running, paused, completed }, asOfMs }
}

function auditEventToWire(event: AuditEvent): PbAuditEvent {
  return {
    ...positionToWire(event),
    index: uint32(event.index, 'event.index'),
    type: eventTypeToWire(event.type),
    timer: timerToWire(event.timer),
    occurredAtMs: integer(event.occurredAtMs, 'event.occurredAtMs'),
    actor: actorToWire(event.cause.actor),
    requestId: event.cause.requestId,
    gap: event.gap,
  }
}

function auditEventFromWire(pb: PbAuditEvent): AuditEvent {
  return {
    ...positionFromWire(pb),
    index: pb.index,
    type: eventTypeFromWire(pb.type),
    timer: timerFromWire(present(pb.timer, 'event.timer')),
    occurredAtMs: pb.occurredAtMs,
    cause: { actor: actorFromWire(pb.actor), requestId: pb.requestId },
    gap: pb.gap,
  }
}

function positionToWire({ partition, sequence }: LogPosition): Position {
  return {
    partition: uint32(partition, 'position.partition'),
    sequence: natural(sequence, 'position.sequence'),
  }
}

function positionFromWire({ partition, sequence }: Position): LogPosition {
  return { partition, sequence: natural(sequence, 'position.sequence') }
}

function placeToWire(place: FeedPlace): PbFeedPlace {
  return { ...positionToWire(place), index: place.index }
}

function placeFromWire(pb: PbFeedPlace): FeedPlace {
  return { ...positionFromWire(pb), ...(pb.index === undefined ? {} : { index: pb.index }) }
}

function tenantIdFromWire(tenantId: string): string {
  return matching(tenantId, limits.tenantId, 'tenantId')
}

function prefixFromWire(prefix: string): string {
  return prefix === '' ? '' : matching(prefix, limits.timerIdPrefix, 'prefix')
}

function limitFromWire(limit: number): number {
  if (limit < 1 || limit > queryLimits.page) throw new WireError('limit', `is not 1 to ${queryLimits.page}`)
  return limit
}

function matching(text: string, pattern: RegExp, field: string): string {
  if (!pattern.test(text)) throw new WireError(field, 'is not well-formed')
  return text
}

function short(text: string, most: number, field: string): string {
  if (text.length > most) throw new WireError(field, `is longer than ${most} characters`)
  return text
}

function few<T>(list: readonly T[], field: string): readonly T[] {
  if (list.length > placesMost) throw new WireError(field, `are more than ${placesMost}`)
  return list
}
