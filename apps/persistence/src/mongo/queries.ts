// Questions to the read model, in MongoDB's words. Every filter has the tenant; every answer is bounded by the
// query's limit and the given deadline. Values come checked, and stand only where values stand.

import type { Filter } from 'mongodb'
import type {
  AuditEvent,
  FeedPlace,
  FeedQuery,
  ListQuery,
  TimerEventsQuery,
  TimerStats,
} from '@timers/shared/timer/queries.ts'
import type { Timer, TimerState } from '@timers/shared/timer/timer.ts'
import { markGaps } from '../projection/feed.ts'
import type { GapEnd } from '../projection/feed.ts'
import type { FeedSlice, Slice } from '../projection/repository.ts'
import type { Collections } from './database.ts'
import { toEvent, toTimer } from './documents.ts'
import type { EventDocument, TimerDocument } from './documents.ts'

interface Deadline {
  readonly maxTimeMS: number
  readonly signal: AbortSignal
}

export async function findTimers(
  { timers }: Collections,
  query: ListQuery,
  deadline: Deadline,
): Promise<Slice<Timer>> {
  const { tenantId, state, labels, prefix, after, limit } = query
  const filter: Filter<TimerDocument> = { tenantId, deleted: false }
  if (state !== undefined) filter.state = state
  if (labels.length > 0) filter.labels = { $all: labels.map(({ key, value }) => ({ k: key, v: value })) }
  if (prefix !== '') filter.timerId = startsWith(prefix)
  if (after !== undefined) {
    const { createdAtMs, timerId } = after
    filter.createdAtMs = { $gte: createdAtMs }
    filter.$or = [{ createdAtMs: { $gt: createdAtMs } }, { timerId: { $gt: timerId } }]
  }
  const sort = { createdAtMs: 1, timerId: 1 } as const
  const found = await timers.find(filter, { ...deadline, sort, limit: limit + 1 }).toArray()
  return slice(found.map(toTimer), limit)
}

export async function findEvents(
  collections: Collections,
  partition: number,
  query: TimerEventsQuery,
  deadline: Deadline,
): Promise<Slice<AuditEvent>> {
  const { tenantId, timerId, afterVersion, limit } = query
  const { events } = collections
  const [found, gaps] = await Promise.all([
    events
      .find(
        { tenantId, timerId, version: { $gt: afterVersion } },
        { ...deadline, sort: { version: 1 }, limit: limit + 1 },
      )
      .toArray(),
    findGaps(collections, [partition], deadline),
  ])
  const before =
    gaps.length > 0 && afterVersion > 0
      ? await events.findOne(
          { tenantId, timerId, version: { $lte: afterVersion } },
          { ...deadline, sort: { version: -1 } },
        )
      : null
  const { items, more } = slice(found.map(toEvent), limit)
  return { items: markGaps(items, gaps, before === null ? [] : [before]), more }
}

export async function findFeed(
  collections: Collections,
  query: FeedQuery,
  lookMost: number,
  deadline: Deadline,
): Promise<FeedSlice> {
  const { tenantId, after, type, prefix, limit } = query
  const filter: Filter<EventDocument> = {}
  if (type !== undefined) filter.type = type
  if (prefix !== '') filter.timerId = startsWith(prefix)
  const isFiltered = type !== undefined || prefix !== ''
  const end = isFiltered ? await sequenceFurtherOn(collections, query, lookMost, deadline) : undefined
  const branches = branchesOf(tenantId, after, end).map((branch) => ({ ...branch, ...filter }))
  const [found, gaps] = await Promise.all([
    collections.events.find({ $or: branches }, { ...deadline, sort: feedOrder, limit: limit + 1 }).toArray(),
    findGaps(
      collections,
      after.map(({ partition }) => partition),
      deadline,
    ),
  ])
  const { items, more } = slice(found.map(toEvent), limit)
  const marked = markGaps(items, gaps, after)
  return more || end === undefined ? { items: marked, more } : { items: marked, more: true, lookedUpTo: end }
}

const feedOrder = { sequence: 1, partition: 1, index: 1 } as const

function branchesOf(tenantId: string, after: readonly FeedPlace[], end = Infinity): Filter<EventDocument>[] {
  return after
    .filter(({ sequence }) => sequence <= end)
    .flatMap(({ partition, sequence, index }) => [
      { tenantId, partition, sequence: { $gt: sequence, $lte: end } },
      ...(index === undefined ? [] : [{ tenantId, partition, sequence, index: { $gt: index } }]),
    ])
}

/** Of the event that is `events` further on; by the index alone. Undefined: there are not so many. */
async function sequenceFurtherOn(
  { events }: Collections,
  { tenantId, after }: FeedQuery,
  further: number,
  deadline: Deadline,
): Promise<number | undefined> {
  const found = await events
    .find(
      { $or: branchesOf(tenantId, after) },
      { ...deadline, sort: feedOrder, skip: further, limit: 1, projection: { _id: 0, sequence: 1 } },
    )
    .toArray()
  return found[0]?.sequence
}

export async function countByState(
  { timers }: Collections,
  tenantId: string,
  deadline: Deadline,
): Promise<TimerStats['byState']> {
  const counts = await timers
    .aggregate<{ _id: TimerState; timers: number }>(
      [{ $match: { tenantId, deleted: false } }, { $group: { _id: '$state', timers: { $sum: 1 } } }],
      { ...deadline, hint: { tenantId: 1, deleted: 1, state: 1, createdAtMs: 1, timerId: 1 } },
    )
    .toArray()
  const byState = { idle: 0, running: 0, paused: 0, completed: 0 }
  for (const { _id, timers: count } of counts) byState[_id] = count
  return byState
}

/** Ids are ASCII below 0x7f. */
function startsWith(prefix: string): { $gte: string; $lt: string } {
  return { $gte: prefix, $lt: `${prefix}\x7f` }
}

function slice<T>(found: readonly T[], limit: number): Slice<T> {
  return { items: found.slice(0, limit), more: found.length > limit }
}

async function findGaps(
  { gaps }: Collections,
  partitions: readonly number[],
  deadline: Deadline,
): Promise<GapEnd[]> {
  const found = await gaps.find({ partition: { $in: [...partitions] } }, deadline).toArray()
  return found.map(({ partition, to }) => ({ partition, first: to + 1 }))
}
