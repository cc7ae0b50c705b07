// The shapes of answers, for the OpenAPI document; tests hold real answers to them. Nothing is parsed
// with these at run time.

import { z } from 'zod'
import { errorTable } from '@timers/shared/errors.ts'
import { actorTypes } from '@timers/shared/timer/command.ts'
import { eventTypes } from '@timers/shared/timer/event.ts'
import { eventTypeName } from '@timers/shared/timer/event-json.ts'
import { completedBys, timerStates } from '@timers/shared/timer/timer.ts'

const instant = z.iso.datetime({ precision: 3 }).describe('RFC 3339, UTC, milliseconds.')
const ms = z.int().min(0)
const nextCursor = z.string().nullable().describe('For the next page; null on the last.')
const asOf = instant.describe('Every change before this instant is in the answer.')

const timerShape = {
  id: z.string(),
  version: z.int().min(1).describe('+1 with every event; its ETag.'),
  state: z.enum(timerStates),
  title: z.string(),
  durationMs: ms.describe('What reset returns to.'),
  remainingMs: ms.nullable().describe('null while running.'),
  deadline: instant.nullable().describe('While running, and when it was due once completed.'),
  labels: z.record(z.string(), z.string()),
  metadata: z.record(z.string(), z.unknown()),
  retentionMs: ms.describe('How long it is kept once completed.'),
  createdAt: instant,
  updatedAt: instant,
  completedAt: instant.nullable(),
  completedBy: z.enum(completedBys).nullable(),
}
const timer = z.strictObject(timerShape)
const liveTimer = z.strictObject({
  ...timerShape,
  now: z.strictObject({ serverTime: instant, remainingMs: ms }).optional().describe('With live=true only.'),
})

const event = z.strictObject({
  id: z.string(),
  type: z.enum(eventTypes.map(eventTypeName)),
  timerId: z.string(),
  version: z.int().min(1),
  occurredAt: instant,
  actor: z.strictObject({ type: z.enum(actorTypes), id: z.string() }),
  requestId: z.string(),
  timer: timer.describe('The whole timer after the event.'),
  gap: z.literal(true).optional().describe('Events just before this one may be missing.'),
})

const fault = z.strictObject({
  pointer: z.string().optional().describe('RFC 6901, into the body.'),
  parameter: z.string().optional(),
  header: z.string().optional(),
  code: z.string(),
  detail: z.string(),
})

const problem = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string(),
  code: z.enum(Object.keys(errorTable)),
  requestId: z.string(),
  retryAfterMs: ms.optional(),
  errors: z.array(fault).optional(),
})

const count = z.int().min(0)

/** By the names they have in the document. */
export const answerSchemas = {
  Timer: timer,
  LiveTimer: liveTimer,
  TimerList: z.strictObject({ data: z.array(timer), nextCursor, asOf }),
  Event: event,
  EventList: z.strictObject({ data: z.array(event), nextCursor, asOf }),
  EventFeed: z.strictObject({
    data: z.array(event),
    nextAfter: z.string().describe('Where to go on from.'),
    more: z.boolean().describe('There is more at once.'),
    asOf,
  }),
  Stats: z.strictObject({
    total: count,
    byState: z.strictObject({ idle: count, running: count, paused: count, completed: count }),
    asOf,
  }),
  Time: z.strictObject({ t1: z.int(), t2: z.int(), errorMs: z.number().min(0) }),
  CommandResults: z.strictObject({
    results: z.array(
      z.strictObject({ status: z.int(), timer: timer.optional(), problem: problem.optional() }),
    ),
  }),
  Problem: problem,
} as const satisfies Record<string, z.ZodType>

export type AnswerName = keyof typeof answerSchemas
