// What a client may say on a socket: JSON in, checked values out. Unknown members are refused, every fault
// is listed. The members of a command are the shared parser's.

import { z } from 'zod'
import type { Refusal } from '@timers/shared/errors.ts'
import {
  parseCommandItem,
  timerIdSchema,
  versionSchema,
  type ParsedCommand,
} from '@timers/shared/schema/command-item.ts'
import { faultsOf, refusalOf } from '@timers/shared/schema/faults.ts'
import { strictParse } from '@timers/shared/schema/json.ts'
import { limits } from '@timers/shared/timer/limits.ts'
import type { Selection } from '@timers/shared/timer/results.ts'
import { gatewayLimits } from '../fanout/limits.ts'

export type ClientMessage =
  | { readonly type: 'auth'; readonly requestId: string | undefined }
  | {
      readonly type: 'subscribe'
      readonly requestId: string
      readonly selection: Selection
      readonly tickMs: number | undefined
      readonly known: ReadonlyMap<string, number> | undefined
    }
  | { readonly type: 'unsubscribe'; readonly requestId: string; readonly subscriptionId: string }
  | { readonly type: 'command'; readonly requestId: string; readonly command: ParsedCommand }
  | { readonly type: 'time'; readonly t0: number }
  | { readonly type: 'ping'; readonly requestId: string | undefined }

/** `requestId`: the client's, where it could be read; without one there is nobody to answer. */
export interface BadMessage {
  readonly type: 'bad'
  readonly requestId: string | undefined
  readonly refusal: Refusal
}

const requestId = z
  .string('must be a string')
  .regex(
    new RegExp(`^[\\x21-\\x7e]{1,${limits.requestIdLength}}$`),
    `must be 1 to ${limits.requestIdLength} printable ASCII characters`,
  )

const known = z
  .record(timerIdSchema, versionSchema, 'must be an object of versions by timer id')
  .transform((versions) => new Map(Object.entries(versions)))
  .refine((versions) => versions.size <= gatewayLimits.known, {
    error: `must be at most ${gatewayLimits.known}: subscribe afresh`,
    params: { code: 'out_of_range' },
  })

const wholeSeconds = z
  .int('must be an integer')
  .min(1000, 'must be at least 1000')
  .max(60_000, 'must be at most 60000')
  .multipleOf(1000, 'must be whole seconds')

const subscribe = z
  .strictObject({
    type: z.literal('subscribe'),
    requestId,
    timerIds: z
      .array(timerIdSchema, 'must be a list of timer ids')
      .min(1, 'must not be empty')
      .max(gatewayLimits.timerIds, `must be at most ${gatewayLimits.timerIds}`)
      .optional(),
    prefix: z
      .string('must be a string')
      .regex(limits.timerIdPrefix, 'is no beginning of a timer id')
      .optional(),
    all: z.literal(true, 'must be true').optional(),
    tickMs: wholeSeconds.optional(),
    known: known.optional(),
  })
  .refine(
    ({ timerIds, prefix, all }) => [timerIds, prefix, all].filter((one) => one !== undefined).length === 1,
    {
      error: 'exactly one of timerIds, prefix and all is needed',
      params: { code: 'not_allowed' },
    },
  )
  .transform(({ timerIds, prefix, tickMs, known, ...rest }): ClientMessage => ({
    type: rest.type,
    requestId: rest.requestId,
    selection:
      timerIds !== undefined
        ? { timerIds: [...new Set(timerIds)] }
        : prefix !== undefined
          ? { prefix }
          : { all: true },
    tickMs,
    known,
  }))

const schemas = {
  auth: z
    .strictObject({
      type: z.literal('auth'),
      token: z.string('must be a string').max(8192, 'is too long'),
      requestId: requestId.optional(),
    })
    .transform(({ type, requestId }): ClientMessage => ({ type, requestId })),
  subscribe,
  unsubscribe: z
    .strictObject({
      type: z.literal('unsubscribe'),
      requestId,
      subscriptionId: z.string('must be a string').max(64, 'is too long'),
    })
    .transform((message): ClientMessage => message),
  time: z
    .strictObject({ type: z.literal('time'), t0: z.number('must be a number') })
    .transform((message): ClientMessage => message),
  ping: z
    .strictObject({ type: z.literal('ping'), requestId: requestId.optional() })
    .transform(({ type, requestId }): ClientMessage => ({ type, requestId })),
} as const

const types = [...Object.keys(schemas), 'command']

/** `bytes`: of one text frame. `nowMs`: cluster time. */
export function readMessage(bytes: Uint8Array, nowMs: number): ClientMessage | BadMessage {
  const json = strictParse(bytes)
  if (!json.ok) return bad({ code: 'malformed', detail: json.detail })
  const { value } = json
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return bad({ code: 'malformed', detail: 'A message is a JSON object.' })
  }
  const message = value as Readonly<Record<string, unknown>>
  const answerTo = requestId.safeParse(message['requestId']).data
  const { type } = message
  if (type === 'command') return readCommand(message, answerTo, nowMs)
  if (typeof type !== 'string' || !Object.hasOwn(schemas, type)) {
    const detail = `must be one of ${types.join(', ')}`
    const code = type === undefined ? 'missing' : 'not_allowed'
    return bad(refusalOf([{ pointer: '/type', code, detail }], 'The message'), answerTo)
  }
  const parsed = schemas[type as keyof typeof schemas].safeParse(message)
  if (parsed.success) return parsed.data
  return bad(refusalOf(faultsOf(parsed.error, message), 'The message'), answerTo)
}

function readCommand(
  message: Readonly<Record<string, unknown>>,
  answerTo: string | undefined,
  nowMs: number,
): ClientMessage | BadMessage {
  const own = ['type', 'requestId']
  const item = Object.fromEntries(Object.entries(message).filter(([name]) => !own.includes(name)))
  const parsed = parseCommandItem(item, nowMs)
  if (answerTo !== undefined && parsed.ok) {
    return { type: 'command', requestId: answerTo, command: parsed.command }
  }
  const faults = parsed.ok ? [] : [...parsed.errors]
  const id = requestId.safeParse(message['requestId'])
  if (!id.success) {
    faults.push(
      ...faultsOf(id.error, message['requestId']).map((fault) => ({ ...fault, pointer: '/requestId' })),
    )
  }
  return bad(refusalOf(faults, 'The command'), answerTo)
}

function bad(refusal: Refusal, requestId?: string): BadMessage {
  return { type: 'bad', requestId, refusal }
}
