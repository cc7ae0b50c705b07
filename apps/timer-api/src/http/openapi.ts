// The route table → OpenAPI 3.1. The rendered file is committed, so that a change of the contract shows
// in the diff.

import { z } from 'zod'
import { errorTable, type ErrorCode } from '@timers/shared/errors.ts'
import { commandEnvelope, opNames } from '@timers/shared/schema/command-item.ts'
import { operationSchemas } from '@timers/shared/schema/operations.ts'
import { limits } from '@timers/shared/timer/limits.ts'
import packageJson from '../../package.json' with { type: 'json' }
import { answerSchemas } from './answer-schemas.ts'
import type { Route, Success } from './route.ts'

type Json = Record<string, unknown>

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` })

export interface OpenApiOperation {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly parameters: readonly Json[]
  readonly requestBody?: Json
  readonly responses: Readonly<Record<string, Json>>
}

export interface OpenApi {
  readonly openapi: string
  readonly info: Json
  readonly security: readonly Json[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>
  readonly components: {
    readonly schemas: Json
    readonly responses: Readonly<Record<string, Json>>
    readonly headers: Json
  }
}

export function renderOpenApi(routes: readonly Route[]): OpenApi {
  const paths: Record<string, Record<string, OpenApiOperation>> = {}
  for (const row of routes) (paths[row.path] ??= {})[row.method.toLowerCase()] = operation(row)
  return {
    openapi: '3.1.1',
    info: {
      title: 'Timers',
      version: packageJson.version,
      description:
        'Server-authoritative countdown timers. Instants are RFC 3339 UTC, durations integer milliseconds. Unknown members and parameters are refused, and every fault is listed. New members may appear in answers: ignore what you do not know.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    security: [{}],
    paths,
    components: { schemas: { ...inputs(), ...outputs() }, responses: problemResponses(routes), headers },
  }
}

function operation(row: Route): OpenApiOperation {
  return {
    operationId: row.name,
    summary: row.summary,
    ...(row.description !== undefined && { description: row.description }),
    parameters: [...pathParameters(row), ...queryParameters(row), ...headerParameters(row)],
    ...(row.body !== undefined && {
      requestBody: {
        required: row.body.required,
        content: Object.fromEntries(
          row.body.mediaTypes.map((type) => [type, { schema: schemaOf(row.body?.schema) }]),
        ),
      },
    }),
    responses: responses(row),
  }
}

function responses(row: Route): Record<string, Json> {
  return {
    ...Object.fromEntries(row.success.map((one) => [String(one.status), success(one)])),
    ...Object.fromEntries(
      [...refusalsOf(row)].map(([status, codes]) => [
        String(status),
        { $ref: `#/components/responses/${nameOf(codes)}` },
      ]),
    ),
  }
}

/** The input side of a schema. */
function schemaOf(schema: z.ZodType | undefined): Json {
  const json = z.toJSONSchema(schema ?? z.unknown(), {
    io: 'input',
    unrepresentable: 'any',
    override({ jsonSchema }) {
      // The pattern of a date-time is longer than all the rest, and says no more than the format.
      if (jsonSchema.format === 'date-time' || jsonSchema.type === 'integer') delete jsonSchema.pattern
    },
  })
  return without(json, '$schema')
}

function pathParameters({ path }: Route): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: name === 'id' ? { type: 'string', pattern: limits.timerId.source } : { type: 'string' },
  }))
}

function queryParameters({ query }: Route): Json[] {
  const properties = query === undefined ? {} : (schemaOf(query).properties as Record<string, Json>)
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    schema,
    ...(schema.type === 'array' && { style: 'form', explode: true }),
  }))
}

function headerParameters({ conditions }: Route): Json[] {
  const header = (name: string, description: string): Json => ({
    name,
    in: 'header',
    description,
    schema: { type: 'string' },
  })
  const { ifMatch, ifNoneMatch } = conditions ?? {}
  return [
    ...(ifMatch ? [header('If-Match', 'Only upon this version, as "7"; * = upon any.')] : []),
    ...(ifNoneMatch === 'create' ? [header('If-None-Match', '* = create only.')] : []),
    ...(ifNoneMatch === true
      ? [header('If-None-Match', 'The version you have, as "7": 304 if it is still that.')]
      : []),
  ]
}

const headers = {
  ETag: { description: 'The version as a strong tag.', schema: { type: 'string' } },
  Location: { description: 'Where the new timer is.', schema: { type: 'string' } },
  Position: {
    description: 'Where the change stands in the log; for atLeast of a list.',
    schema: { type: 'string' },
  },
  'Request-Id': { description: 'Yours, or one made here; in logs and events.', schema: { type: 'string' } },
  'Server-Time': { description: 'When this was sent.', schema: { type: 'string', format: 'date-time' } },
  'Retry-After': { description: 'Seconds.', schema: { type: 'integer' } },
} as const satisfies Json

function headersOf(names: readonly string[]): Json {
  const all = [...names, 'Request-Id', 'Server-Time']
  return Object.fromEntries(all.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
}

function success({ description, schema, mediaType, headers = [] }: Success): Json {
  const hasBody = schema !== undefined || mediaType !== undefined
  return {
    description,
    headers: headersOf(headers),
    ...(hasBody && {
      content: { [mediaType ?? 'application/json']: schema === undefined ? {} : { schema: ref(schema) } },
    }),
  }
}

/** What a row may be refused with, by status. */
function refusalsOf({ body, produces, refusals = [], path }: Route): Map<number, ErrorCode[]> {
  const codes = new Set<ErrorCode>(['malformed', 'forbidden', 'unknown_field', 'unavailable', ...refusals])
  if (produces !== null) codes.add('not_acceptable')
  if (body !== undefined) for (const code of ['too_large', 'unsupported_media_type'] as const) codes.add(code)
  if (body !== undefined || path.includes('{id}')) codes.add('invalid_value')
  return Map.groupBy([...codes].toSorted(), (code) => errorTable[code].http)
}

/** Of a problem response; its codes all have one status. */
const nameOf = (codes: readonly ErrorCode[]): string => codes.join('-or-')

function problem(status: number, codes: readonly ErrorCode[]): Json {
  return {
    description: codes.map((code) => `\`${code}\`: ${errorTable[code].title}.`).join(' '),
    headers: headersOf(status === 503 ? ['Retry-After'] : []),
    content: { 'application/problem+json': { schema: ref('Problem') } },
  }
}

function problemResponses(routes: readonly Route[]): Record<string, Json> {
  const all = routes.flatMap((row) => [...refusalsOf(row)])
  return Object.fromEntries(all.map(([status, codes]) => [nameOf(codes), problem(status, codes)]))
}

/** One item of /v1/commands: the envelope and, beside it, the members of its operation. */
function inputs(): Json {
  const { timerId, ifVersion, ifAbsent } = schemaOf(commandEnvelope).properties as Json
  const variants = opNames.map((name) => {
    const schema = schemaOf(operationSchemas[name === 'resume' ? 'start' : name])
    return {
      title: name,
      type: 'object',
      properties: {
        timerId,
        op: { const: name },
        ifVersion,
        ...(name === 'put' && { ifAbsent }),
        ...(schema.properties as Json),
      },
      required: ['timerId', 'op', ...((schema.required ?? []) as string[])],
      additionalProperties: false,
    }
  })
  return { Command: { oneOf: variants } }
}

function outputs(): Json {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries(answerSchemas)) registry.add(schema, { id })
  const { schemas } = z.toJSONSchema(registry, {
    uri: (id) => `#/components/schemas/${id}`,
    override({ jsonSchema }) {
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern
      // Clients are to ignore what they do not know.
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
    },
  })
  return Object.fromEntries(
    Object.entries(schemas).map(([id, schema]) => [id, without(schema, '$schema', '$id')]),
  )
}

function without(object: object, ...names: readonly string[]): Json {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)))
}
