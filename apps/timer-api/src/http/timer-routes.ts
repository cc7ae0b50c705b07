// The rows of single timers: every operation, and GET with its condition, `live` and long poll.

import { z } from 'zod'
import type { Refusal } from '@timers/shared/errors.ts'
import type { Command, Op, Operation } from '@timers/shared/timer/command.ts'
import type { Done, LogPosition } from '@timers/shared/timer/results.ts'
import { remainingAt } from '@timers/shared/timer/timer.ts'
import { instant, timerJsonText } from '@timers/shared/timer/timer-json.ts'
import type { Answer } from './answer.ts'
import { operationBody } from './body.ts'
import type { Call } from './call.ts'
import { etag, isUnchanged, type TakenConditions } from './conditions.ts'
import { flag, waitMs, wholeNumber } from './parameters.ts'
import { route, type Route, type Success } from './route.ts'
import type { Services } from './services.ts'

type OperationCall = Call<undefined, Operation>

/** 201 exactly when the timer was not there before. */
export function statusOf({ type }: Done): 200 | 201 | 204 {
  return type === 'created' ? 201 : type === 'deleted' ? 204 : 200
}

export function positionOf({ partition, sequence }: LogPosition): string {
  return `${partition}-${sequence}`
}

async function carryOut(
  call: OperationCall,
  services: Services,
  condition: Pick<Command, 'ifVersion' | 'ifAbsent'>,
  timerId = call.id,
): Promise<Done | Refusal> {
  const { tenantId, actor } = call.caller
  const command = { tenantId, timerId, operation: call.body, actor, requestId: call.requestId, ...condition }
  const [result] = await services.core.execute([command], call.deadlineMs)
  if (result === undefined) throw new Error('the core client gave no result')
  return result.ok ? result : result.refusal
}

function conditionOf({ conditions }: OperationCall): Pick<Command, 'ifVersion' | 'ifAbsent'> {
  if (typeof conditions.ifMatch === 'number') return { ifVersion: conditions.ifMatch }
  return conditions.ifNoneMatch === '*' ? { ifAbsent: true } : {}
}

function answerOf(done: Done | Refusal): Answer | Refusal {
  if ('code' in done) return done
  const status = statusOf(done)
  const position = positionOf(done)
  if (status === 204) return { status, headers: { position } }
  const { timer } = done
  const headers = { etag: etag(timer.version), position }
  return {
    status,
    headers: status === 201 ? { ...headers, location: `/v1/timers/${timer.timerId}` } : headers,
    body: timerJsonText(timer),
  }
}

async function change(call: OperationCall, services: Services): Promise<Answer | Refusal> {
  return answerOf(await carryOut(call, services, conditionOf(call)))
}

async function put(call: OperationCall, services: Services): Promise<Answer | Refusal> {
  return call.conditions.ifMatch === '*' ? answerOf(await replace(call, services)) : change(call, services)
}

/** If-Match: * says "if there is one": put upon the version that is there, whichever that is by then. */
async function replace(call: OperationCall, services: Services): Promise<Done | Refusal> {
  const { tenantId } = call.caller
  for (;;) {
    const found = await services.core.get({ tenantId, timerId: call.id }, call.deadlineMs)
    if (!found.ok) {
      return found.refusal.code === 'not_found'
        ? {
            code: 'version_mismatch',
            detail: 'If-Match: * asks to replace only, and there is no such timer.',
          }
        : found.refusal
    }
    const done = await carryOut(call, services, { ifVersion: found.timer.version })
    if (!('code' in done) || done.code !== 'version_mismatch' || services.clock.nowMs() >= call.deadlineMs)
      return done
  }
}

async function create(call: OperationCall, services: Services): Promise<Answer | Refusal> {
  return answerOf(await carryOut(call, services, { ifAbsent: true }, services.newTimerId()))
}

const getQuery = z
  .strictObject({
    live: flag.optional(),
    afterVersion: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional(),
    waitMs: waitMs.optional(),
  })
  .refine((query) => query.waitMs === undefined || query.afterVersion !== undefined, {
    path: ['waitMs'],
    error: 'is for use with afterVersion',
  })

async function get(
  call: Call<z.output<typeof getQuery>, undefined>,
  { core, clock }: Services,
): Promise<Answer | Refusal> {
  const { live = false, afterVersion, waitMs = 0 } = call.query
  const timerId = call.id
  const { tenantId } = call.caller
  const found =
    afterVersion === undefined
      ? await core.get({ tenantId, timerId }, call.deadlineMs)
      : await core.get({ tenantId, timerId, afterVersion, waitMs }, call.deadlineMs + waitMs, call.gone())
  if (!found.ok) return found.refusal
  const { timer } = found
  const headers = live
    ? { 'cache-control': 'no-store' }
    : { etag: etag(timer.version), 'cache-control': 'no-cache' }
  const isOld = afterVersion !== undefined && timer.version <= afterVersion
  if (isOld || (!live && isUnchanged(call.conditions, timer.version))) return { status: 304, headers }
  const text = timerJsonText(timer)
  if (!live) return { status: 200, headers, body: text }
  const nowMs = clock.nowMs()
  const now = { serverTime: instant(nowMs), remainingMs: remainingAt(timer, nowMs) }
  return { status: 200, headers, body: `${text.slice(0, -1)},"now":${JSON.stringify(now)}}` }
}

const onTimer: TakenConditions = { ifMatch: true }
const changed: Success = {
  status: 200,
  description: 'The timer as it is now.',
  schema: 'Timer',
  headers: ['ETag', 'Position'],
}
const created: Success = {
  status: 201,
  description: 'The new timer.',
  schema: 'Timer',
  headers: ['ETag', 'Position', 'Location'],
}

/** A row of POST /v1/timers/{id}/<word>. */
function operation(word: string, op: Op, summary: string, name: string = op): Route {
  return route({
    method: 'POST',
    path: `/v1/timers/{id}/${word}`,
    name: `${name}Timer`,
    summary,
    scope: 'timers:write',
    body: operationBody(op),
    conditions: onTimer,
    success: [changed],
    refusals: ['not_found', 'wrong_state', 'version_mismatch', 'log_full', 'outcome_unknown'],
    handle: change,
  })
}

export const timerRoutes: readonly Route[] = [
  route({
    method: 'PUT',
    path: '/v1/timers/{id}',
    name: 'putTimer',
    summary: 'Create a timer, or replace it',
    description:
      'With `deadline` it is idempotent; with `durationMs` the time starts afresh each time it is applied.',
    scope: 'timers:write',
    body: operationBody('put'),
    conditions: { ifMatch: true, ifNoneMatch: 'create' },
    success: [created, { ...changed, description: 'The timer that was replaced, as it is now.' }],
    refusals: ['version_mismatch', 'already_exists', 'log_full', 'outcome_unknown'],
    handle: put,
  }),
  route({
    method: 'GET',
    path: '/v1/timers/{id}',
    name: 'getTimer',
    summary: 'Read a timer',
    description:
      '`live=true` adds what is left now, and such an answer has no ETag. `afterVersion` with `waitMs` waits until the timer is newer than that version: 304 when it is not by then.',
    scope: 'timers:read',
    query: getQuery,
    conditions: { ifNoneMatch: true },
    success: [
      { status: 200, description: 'The timer.', schema: 'LiveTimer', headers: ['ETag'] },
      { status: 304, description: 'It is still the version you know.', headers: ['ETag'] },
    ],
    refusals: ['not_found'],
    handle: get,
  }),
  route({
    method: 'PATCH',
    path: '/v1/timers/{id}',
    name: 'updateTimer',
    summary: 'Change title, labels, metadata or duration (RFC 7396); never the clock',
    scope: 'timers:write',
    body: operationBody('update'),
    conditions: onTimer,
    success: [changed],
    refusals: ['not_found', 'version_mismatch', 'log_full', 'outcome_unknown'],
    handle: change,
  }),
  route({
    method: 'DELETE',
    path: '/v1/timers/{id}',
    name: 'deleteTimer',
    summary: 'Delete a timer',
    scope: 'timers:write',
    body: operationBody('delete'),
    conditions: onTimer,
    success: [{ status: 204, description: 'It is gone.', headers: ['Position'] }],
    refusals: ['not_found', 'version_mismatch', 'log_full', 'outcome_unknown'],
    produces: null,
    handle: change,
  }),
  route({
    method: 'POST',
    path: '/v1/timers',
    name: 'createTimer',
    summary: 'Create a timer under an id made here',
    scope: 'timers:write',
    body: operationBody('put'),
    success: [created],
    refusals: ['log_full', 'outcome_unknown'],
    handle: create,
  }),
  operation('start', 'start', 'Start it, or let it go on'),
  operation('resume', 'start', 'Another spelling of start', 'resume'),
  operation('pause', 'pause', 'Stop the clock and keep what is left'),
  operation('reset', 'reset', 'Back to its duration, not running'),
  operation('restart', 'restart', 'Back to its duration, running'),
  operation('set', 'set', 'Set what is left, or the deadline'),
  operation('add', 'add', 'Add time; a negative amount takes it away'),
  operation('multiply', 'multiply', 'Multiply what is left'),
  operation('extend-if-within', 'extendIfWithin', 'Add time only if little is left', 'extendIfWithin'),
]
