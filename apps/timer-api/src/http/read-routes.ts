// The rows that ask the read model: lists, histories, the feed, counts. They are eventually consistent
// and say as of when.

import { z } from 'zod'
import { pause } from '@timers/shared/clock.ts'
import type { Refusal } from '@timers/shared/errors.ts'
import { eventId, eventTypes } from '@timers/shared/timer/event.ts'
import { eventJsonText, eventTypeName } from '@timers/shared/timer/event-json.ts'
import { limits } from '@timers/shared/timer/limits.ts'
import { queryLimits, type AuditEvent, type FeedPage, type FeedPlace } from '@timers/shared/timer/queries.ts'
import { instant, timerJsonText } from '@timers/shared/timer/timer-json.ts'
import { timerStates } from '@timers/shared/timer/timer.ts'
import type { Answer } from './answer.ts'
import type { Call } from './call.ts'
import {
  digestOf,
  feedCursor,
  historyCursor,
  listCursor,
  readFeedCursor,
  readHistoryCursor,
  readListCursor,
} from './cursor.ts'
import { cursor, limit, timerIdPrefix, waitMs } from './parameters.ts'
import { route, type Route } from './route.ts'
import type { Services } from './services.ts'

function badCursor(parameter: string): Refusal {
  const detail = 'is not from an answer to this very question'
  return {
    code: 'malformed',
    detail: `${parameter} ${detail}.`,
    errors: [{ parameter, code: 'malformed', detail }],
  }
}

const label = z
  .string()
  .regex(/^[a-z0-9._-]{1,63}:[\s\S]{0,128}$/, 'must be key:value')
  .transform((text) => {
    const colon = text.indexOf(':')
    return { key: text.slice(0, colon), value: text.slice(colon + 1) }
  })

const mostPositions = 1024
/** For the answer itself, once the list has waited for its position. */
const answeringMs = 500
const atLeast = z
  .string()
  .regex(/^\d{1,5}-\d{1,15}(?:,\d{1,5}-\d{1,15})*$/, 'must be positions, as 3-17,12-4')
  .transform((text) =>
    text.split(',').map((position) => {
      const [partition, sequence] = position.split('-').map(Number)
      return { partition: partition ?? 0, sequence: sequence ?? 0 }
    }),
  )
  .refine((positions) => positions.length <= mostPositions, { error: `must be at most ${mostPositions}` })

const listQuery = z.strictObject({
  state: z.enum(timerStates, `must be one of ${timerStates.join(', ')}`).optional(),
  label: z.array(label).max(limits.labels, `must be at most ${limits.labels}`).optional(),
  prefix: timerIdPrefix.optional(),
  limit,
  cursor: cursor.optional(),
  atLeast: atLeast.optional(),
})

async function list(
  call: Call<z.output<typeof listQuery>, undefined>,
  services: Services,
): Promise<Answer | Refusal> {
  const { state, label: labels = [], prefix = '', limit, cursor, atLeast = [] } = call.query
  const beyond = atLeast.find(({ partition }) => partition >= services.cluster.partitionCount)
  if (beyond !== undefined) {
    const fault = {
      parameter: 'atLeast',
      code: 'out_of_range',
      detail: `there is no partition ${beyond.partition}`,
    }
    return { code: 'invalid_value', detail: 'The query has a fault: see errors.', errors: [fault] }
  }
  const digest = digestOf([call.caller.tenantId, state ?? '', labels, prefix])
  const after = cursor === undefined ? undefined : readListCursor(cursor, digest)
  if (cursor !== undefined && after === undefined) return badCursor('cursor')
  const page = await services.queries.list(
    {
      tenantId: call.caller.tenantId,
      ...(state !== undefined && { state }),
      labels,
      prefix,
      limit,
      ...(after !== undefined && { after }),
      atLeast,
    },
    // However many nodes are asked: each of them may wait.
    atLeast.length === 0 ? call.deadlineMs : call.receivedAtMs + queryLimits.atLeastWaitMs + answeringMs,
  )
  const last = page.timers.at(-1)
  const next = page.more && last !== undefined ? listCursor(last, digest) : null
  return answer(page.timers.map(timerJsonText), { nextCursor: next, asOf: instant(page.asOfMs) })
}

const historyQuery = z.strictObject({ limit, cursor: cursor.optional() })

async function history(
  call: Call<z.output<typeof historyQuery>, undefined>,
  { queries }: Services,
): Promise<Answer | Refusal> {
  const { limit, cursor } = call.query
  const { tenantId } = call.caller
  const digest = digestOf([tenantId, call.id])
  const afterVersion = cursor === undefined ? 0 : readHistoryCursor(cursor, digest)
  if (afterVersion === undefined) return badCursor('cursor')
  const page = await queries.timerEvents({ tenantId, timerId: call.id, afterVersion, limit }, call.deadlineMs)
  const last = page.events.at(-1)
  const next = page.more && last !== undefined ? historyCursor(last.timer.version, digest) : null
  return answer(page.events.map(eventText), { nextCursor: next, asOf: instant(page.asOfMs) })
}

const typeNames = eventTypes.map(eventTypeName)
const feedQuery = z.strictObject({
  after: cursor.optional(),
  type: z
    .enum(typeNames, `must be one of ${typeNames.join(', ')}`)
    .transform((name) => eventTypes[typeNames.indexOf(name)])
    .optional(),
  prefix: timerIdPrefix.optional(),
  limit,
  waitMs: waitMs.default(0),
})

const askAgainEveryMs = 250

async function feed(
  call: Call<z.output<typeof feedQuery>, undefined>,
  services: Services,
): Promise<Answer | Refusal> {
  const { after } = call.query
  const from = after === undefined ? [] : readFeedCursor(after, services.cluster)
  if (from === undefined) return badCursor('after')
  const untilMs = call.receivedAtMs + call.query.waitMs
  if (call.query.waitMs === 0) return feedAnswer(await feedPage(call, services, from), services)
  if (!services.feedWaiters.enter()) return tooManyWait
  try {
    const gone = call.gone()
    let page = await feedPage(call, services, from)
    while (page.events.length === 0 && services.clock.nowMs() < untilMs && !gone.aborted) {
      const leftMs = untilMs - services.clock.nowMs()
      if (!page.more) await pause(services.clock, Math.min(askAgainEveryMs, leftMs), gone)
      page = await feedPage(call, services, page.next)
    }
    return feedAnswer(page, services)
  } finally {
    services.feedWaiters.leave()
  }
}

const tooManyWait: Refusal = {
  code: 'unavailable',
  detail: 'Too many wait for events here.',
  retryAfterMs: 1000,
}

function feedPage(
  { caller, query, deadlineMs }: Call<z.output<typeof feedQuery>, undefined>,
  { queries }: Services,
  after: readonly FeedPlace[],
): Promise<FeedPage> {
  const { type, prefix = '', limit } = query
  const of = { tenantId: caller.tenantId, after, ...(type !== undefined && { type }), prefix, limit }
  return queries.feed(of, deadlineMs + query.waitMs)
}

function feedAnswer({ events, next, more, asOfMs }: FeedPage, { cluster }: Services): Answer {
  return answer(events.map(eventText), { nextAfter: feedCursor(next, cluster), more, asOf: instant(asOfMs) })
}

function eventText(event: AuditEvent): string {
  const text = eventJsonText({ ...event, id: eventId(event) })
  return event.gap ? `${text.slice(0, -1)},"gap":true}` : text
}

function answer(data: readonly string[], rest: object): Answer {
  return {
    status: 200,
    headers: { 'cache-control': 'no-cache' },
    body: `{"data":[${data.join(',')}],${JSON.stringify(rest).slice(1)}`,
  }
}

async function stats(
  { caller, deadlineMs }: Call<undefined, undefined>,
  { queries }: Services,
): Promise<Answer> {
  const { byState, asOfMs } = await queries.stats(caller.tenantId, deadlineMs)
  const total = byState.idle + byState.running + byState.paused + byState.completed
  return {
    status: 200,
    headers: { 'cache-control': 'no-cache' },
    body: JSON.stringify({ total, byState, asOf: instant(asOfMs) }),
  }
}

export const readRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/timers',
    name: 'listTimers',
    summary: 'List timers, by createdAt, then id',
    description: `\`label\` is \`key:value\` and may be repeated: all must match. \`atLeast\` takes the \`Position\` of earlier answers and waits up to ${queryLimits.atLeastWaitMs} ms until the list has those changes.`,
    scope: 'timers:read',
    query: listQuery,
    success: [{ status: 200, description: 'A page of timers.', schema: 'TimerList' }],
    handle: list,
  }),
  route({
    method: 'GET',
    path: '/v1/timers/{id}/events',
    name: 'listTimerEvents',
    summary: 'The history of a timer, in version order; it outlives the timer',
    scope: 'timers:read',
    query: historyQuery,
    success: [{ status: 200, description: 'A page of events.', schema: 'EventList' }],
    handle: history,
  }),
  route({
    method: 'GET',
    path: '/v1/events',
    name: 'listEvents',
    summary: 'The feed of all timers: at least once, in order per timer, 7 days',
    description: 'Go on with `after` = `nextAfter` of the answer before. `waitMs` waits for the first event.',
    scope: 'timers:read',
    query: feedQuery,
    success: [{ status: 200, description: 'The next events, possibly none.', schema: 'EventFeed' }],
    handle: feed,
  }),
  route({
    method: 'GET',
    path: '/v1/stats',
    name: 'getStats',
    summary: 'How many timers there are, by state',
    scope: 'timers:read',
    success: [{ status: 200, description: 'The counts.', schema: 'Stats' }],
    handle: stats,
  }),
]
