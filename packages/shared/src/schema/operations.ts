// The body of each operation as clients write it → Operation. One parser for REST bodies, items of
// /v1/commands and socket commands: unknown members refused, every fault listed.

import { z } from 'zod'
import type { Refusal } from '../errors.ts'
import type { Op, Operation } from '../timer/command.ts'
import { limits } from '../timer/limits.ts'
import type { JsonObject } from '../timer/timer.ts'
import { faultsOf, refusalOf, type BodyFault } from './faults.ts'
import * as field from './fields.ts'

type Of<O extends Op> = Extract<Operation, { readonly op: O }>

/** For OpenAPI; rulesOf holds to it. */
function oneOfTheTwo(one: string, other: string) {
  return { oneOf: [{ required: [one] }, { required: [other] }] }
}

const put: z.ZodType<Of<'put'>> = z
  .strictObject({
    durationMs: field.spanMs.optional(),
    deadline: field.instant.optional(),
    autostart: field.flag.optional(),
    title: field.title.optional(),
    labels: field.labels.optional(),
    metadata: field.metadata.optional(),
    retentionMs: field.spanMs.optional(),
  })
  .meta(oneOfTheTwo('durationMs', 'deadline'))
  .transform((put): Of<'put'> => ({
    op: 'put',
    autostart: put.autostart ?? true,
    title: put.title ?? '',
    labels: put.labels ?? {},
    metadata: put.metadata ?? '',
    retentionMs: put.retentionMs ?? limits.defaultRetentionMs,
    ...(put.deadline === undefined ? { durationMs: put.durationMs ?? 0 } : { deadlineMs: put.deadline }),
  }))

const update: z.ZodType<Of<'update'>> = z
  .strictObject({
    // RFC 7396: null removes, and a timer without a title has the empty one.
    title: field.title.nullable().optional(),
    durationMs: field.spanMs.optional(),
    labels: field.labelsPatch.optional(),
    metadata: field.metadataPatch.optional(),
  })
  .transform((patch): Of<'update'> => ({
    op: 'update',
    ...(patch.title !== undefined && { title: patch.title ?? '' }),
    ...(patch.durationMs !== undefined && { durationMs: patch.durationMs }),
    ...(patch.labels !== undefined && { labels: patch.labels }),
    ...(patch.metadata !== undefined && { metadata: patch.metadata }),
  }))

const set: z.ZodType<Of<'set'>> = z
  .strictObject({ remainingMs: field.spanMs.optional(), deadline: field.instant.optional() })
  .meta(oneOfTheTwo('remainingMs', 'deadline'))
  .transform((set): Of<'set'> =>
    set.deadline === undefined
      ? { op: 'set', remainingMs: set.remainingMs ?? 0 }
      : { op: 'set', deadlineMs: set.deadline },
  )

const extendIfWithin: z.ZodType<Of<'extendIfWithin'>> = z
  .strictObject({ windowMs: field.spanMs, byMs: field.spanMs, maxDeadline: field.instant.optional() })
  .transform(({ windowMs, byMs, maxDeadline }): Of<'extendIfWithin'> => ({
    op: 'extendIfWithin',
    windowMs,
    byMs,
    ...(maxDeadline !== undefined && { maxDeadlineMs: maxDeadline }),
  }))

/** The body of each operation, without `op`. Their input side is what OpenAPI shows. */
export const operationSchemas: { readonly [O in Op]: z.ZodType<Of<O>> } = {
  put,
  update,
  start: z.strictObject({}).transform((): Of<'start'> => ({ op: 'start' })),
  pause: z.strictObject({}).transform((): Of<'pause'> => ({ op: 'pause' })),
  reset: z.strictObject({}).transform((): Of<'reset'> => ({ op: 'reset' })),
  restart: z.strictObject({}).transform((): Of<'restart'> => ({ op: 'restart' })),
  set,
  add: z.strictObject({ byMs: field.changeMs }).transform(({ byMs }): Of<'add'> => ({ op: 'add', byMs })),
  multiply: z
    .strictObject({ factor: field.factor })
    .transform(({ factor }): Of<'multiply'> => ({ op: 'multiply', factor })),
  extendIfWithin,
  delete: z.strictObject({}).transform((): Of<'delete'> => ({ op: 'delete' })),
}

/** What was wrong, ready to be told: `code` is `invalid_value`, or `unknown_field` when that is all. */
export interface ParseFailure extends Refusal {
  readonly ok: false
  readonly errors: readonly BodyFault[]
}

export type ParsedOperation = { readonly ok: true; readonly operation: Operation } | ParseFailure

/** `body`: parsed JSON. `nowMs`: cluster time; a deadline more than ten years after it is refused. */
export function parseOperation(op: Op, body: unknown, nowMs: number): ParsedOperation {
  const parsed = operationSchemas[op].safeParse(body)
  const errors = parsed.success ? [] : faultsOf(parsed.error, body)
  if (field.isObject(body)) errors.push(...rulesOf(op, body))
  const deadlineMs = parsed.success ? deadlineOf(parsed.data) : readDeadline(body)
  if (deadlineMs !== undefined && deadlineMs - nowMs > limits.durationMs) {
    errors.push({ pointer: '/deadline', code: 'out_of_range', detail: 'must be at most ten years ahead' })
  }
  return parsed.success && errors.length === 0
    ? { ok: true, operation: parsed.data }
    : parseFailure(errors, 'The body')
}

/** Faults of members taken together: judged beside the schema, which is silent on them once a single one is faulty. */
function rulesOf(op: Op, body: JsonObject): readonly BodyFault[] {
  if (op === 'set') return oneOfTwo(body, 'remainingMs', 'deadline')
  if (op !== 'put') return noFaults
  const faults = oneOfTwo(body, 'durationMs', 'deadline')
  return body.deadline === undefined || body.autostart !== false
    ? faults
    : [...faults, { pointer: '/autostart', code: 'not_allowed', detail: 'a timer with a deadline runs' }]
}

const noFaults: readonly BodyFault[] = []

function oneOfTwo(body: JsonObject, one: string, other: string): readonly BodyFault[] {
  if (body[one] === undefined && body[other] === undefined) {
    return [{ pointer: `/${one}`, code: 'missing', detail: `${one} or ${other} is needed` }]
  }
  return body[one] === undefined || body[other] === undefined
    ? noFaults
    : [{ pointer: `/${other}`, code: 'not_allowed', detail: `is given beside ${one}: only one may be` }]
}

function deadlineOf(operation: Operation): number | undefined {
  return 'deadlineMs' in operation ? operation.deadlineMs : undefined
}

function readDeadline(body: unknown): number | undefined {
  return field.isObject(body) ? field.readInstant(body.deadline) : undefined
}

/** `what` begins the sentence: "The body", "The query". */
export function parseFailure(errors: readonly BodyFault[], what: string): ParseFailure {
  return { ok: false, ...refusalOf(errors, what), errors }
}
