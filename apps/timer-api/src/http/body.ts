// A request's body: its media type, its bytes as JSON, and what a route wants of it.

import type { IncomingMessage } from 'node:http'
import type { z } from 'zod'
import type { Refusal } from '@timers/shared/errors.ts'
import { strictParse } from '@timers/shared/schema/json.ts'
import {
  operationSchemas,
  parseOperation,
  parseFailure,
  type ParseFailure,
} from '@timers/shared/schema/operations.ts'
import { faultsOf } from '@timers/shared/schema/faults.ts'
import type { Op, Operation } from '@timers/shared/timer/command.ts'
import type { JsonValue } from '@timers/shared/timer/timer.ts'

export type ReadBody<B> = { readonly ok: true; readonly value: B } | ParseFailure

export interface BodySpec<B = unknown> {
  /** What OpenAPI shows: its input side. */
  readonly schema: z.ZodType
  /** False: no body is as good as {}. */
  readonly required: boolean
  readonly mostBytes: number
  readonly mediaTypes: readonly string[]
  /** `nowMs`: cluster time. */
  read(json: JsonValue, nowMs: number): ReadBody<B>
}

const json = ['application/json']
const kib = 1024

/** The body of one operation. */
export function operationBody(op: Op): BodySpec<Operation> {
  return {
    schema: operationSchemas[op],
    required:
      op === 'put' ||
      op === 'update' ||
      op === 'set' ||
      op === 'add' ||
      op === 'multiply' ||
      op === 'extendIfWithin',
    mostBytes: 64 * kib,
    mediaTypes: op === 'update' ? ['application/merge-patch+json', ...json] : json,
    read(body, nowMs) {
      const parsed = parseOperation(op, body, nowMs)
      return parsed.ok ? { ok: true, value: parsed.operation } : parsed
    },
  }
}

export function jsonBody<S extends z.ZodType>(schema: S, mostBytes = 64 * kib): BodySpec<z.output<S>> {
  return {
    schema,
    required: true,
    mostBytes,
    mediaTypes: json,
    read(body) {
      const parsed = schema.safeParse(body)
      return parsed.success
        ? { ok: true, value: parsed.data }
        : parseFailure(faultsOf(parsed.error, body), 'The body')
    },
  }
}

/** Whether the request says that a body comes with it. */
export function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

/** The refusal of a media type that the route does not read. */
export function refuseMediaType(request: IncomingMessage, spec: BodySpec): Refusal | undefined {
  if (!hasBody(request)) return undefined
  const given = request.headers['content-type'] ?? ''
  if (spec.mediaTypes.includes(given)) return undefined
  const parts = /^\s*([^\s;]+)\s*(?:;\s*charset\s*=\s*"?([^\s";]+)"?\s*)?;?\s*$/i.exec(given)
  const charset = parts?.[2]?.toLowerCase() ?? 'utf-8'
  if (
    parts?.[1] !== undefined &&
    spec.mediaTypes.includes(parts[1].toLowerCase()) &&
    /^utf-?8$/.test(charset)
  ) {
    return undefined
  }
  return {
    code: 'unsupported_media_type',
    detail: `The body must be ${spec.mediaTypes.join(' or ')}, in UTF-8.`,
  }
}

/** What the bytes say; an empty body counts as {} where none is needed. */
export function readBody(bytes: unknown, spec: BodySpec, nowMs: number): ReadBody<unknown> | Refusal {
  if (!(bytes instanceof Uint8Array) || bytes.length === 0) {
    return spec.required
      ? { code: 'malformed', detail: 'The body is empty; a JSON object is needed.' }
      : spec.read({}, nowMs)
  }
  const parsed = strictParse(bytes)
  return parsed.ok ? spec.read(parsed.value, nowMs) : { code: 'malformed', detail: parsed.detail }
}
