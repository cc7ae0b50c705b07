// The schemas of a timer's single fields as clients write them; each fault is told with its pointer.

import { z } from 'zod'
import { limits } from '../timer/limits.ts'
import type { JsonObject, JsonValue, Labels } from '../timer/timer.ts'
import { mostFaults, type FaultCode } from './faults.ts'

type Context = z.core.$RefinementCtx
type Path = readonly PropertyKey[]

function fault(context: Context, path: Path, code: FaultCode, message: string): void {
  if (context.issues.length < mostFaults) {
    context.addIssue({ code: 'custom', path: [...path], message, params: { code } })
  }
}

const wholeMs = z.int('must be an integer: milliseconds')
const tenYears = `must be at most ten years, ${limits.durationMs}`

/** A duration in ms, 0 to ten years. */
export const spanMs = wholeMs.min(0, 'must be 0 or more').max(limits.durationMs, tenYears)

/** A change of time in ms, ten years at most either way. */
export const changeMs = wholeMs
  .min(-limits.durationMs, `must be at least -${limits.durationMs}`)
  .max(limits.durationMs, tenYears)

export const factor = z.number('must be a finite number').min(0, 'must be 0 or more')

export const flag = z.boolean('must be true or false')

/** An instant's text → ms since 1970; what is finer than a ms is rounded up, so that nothing ends early. */
export function instantMs(text: string): number {
  const fraction = /\.\d{3}(\d+)/.exec(text)?.[1]
  return Date.parse(text) + (fraction !== undefined && /[1-9]/.test(fraction) ? 1 : 0)
}

const instantSchema = z.iso.datetime({
  offset: true,
  error: 'must be an RFC 3339 instant, as 2030-01-31T12:00:00.000Z',
})

export const instant = instantSchema
  .max(64, 'must be an RFC 3339 instant, as 2030-01-31T12:00:00.000Z')
  .transform(instantMs)
  .refine((ms) => ms >= 0, { error: 'must not be before 1970', params: { code: 'out_of_range' } })

/** An instant's ms when the text is one. */
export function readInstant(value: unknown): number | undefined {
  const parsed = typeof value === 'string' ? instant.safeParse(value) : undefined
  return parsed?.data
}

/** Text that UTF-8 can hold: a lone surrogate would come back as another character. */
function wellFormed(text: string): boolean {
  return text.isWellFormed()
}
const illFormed = { error: 'has half of a surrogate pair', params: { code: 'wrong_format' } }

export const title = z
  .string('must be a string')
  .max(limits.titleLength, `must be at most ${limits.titleLength} characters`)
  .refine(wellFormed, illFormed)

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function checkLabel(key: string, value: JsonValue | undefined, context: Context): void {
  if (!limits.labelKey.test(key)) {
    fault(context, [key], 'wrong_format', 'a label key is 1 to 63 of a-z 0-9 . _ -')
  }
  if (typeof value !== 'string') fault(context, [key], 'wrong_type', 'must be a string')
  else if (value.length > limits.labelValueLength) {
    fault(context, [key], 'out_of_range', `must be at most ${limits.labelValueLength} characters`)
  } else if (!wellFormed(value)) fault(context, [key], 'wrong_format', illFormed.error)
}

const labelsJsonSchema = {
  type: 'object',
  maxProperties: limits.labels,
  propertyNames: { pattern: limits.labelKey.source },
} as const

// Checked by hand and passed on as they came: a rebuilt object would lose the legal key __proto__.
export const labels = z
  .custom<Labels>(isObject, { error: 'must be an object', params: { code: 'wrong_type' } })
  .superRefine((value, context) => {
    const keys = Object.keys(value)
    if (keys.length > limits.labels) {
      fault(context, [], 'out_of_range', `must be at most ${limits.labels} labels`)
    }
    for (const key of keys) checkLabel(key, value[key], context)
  })
  .meta({ ...labelsJsonSchema, additionalProperties: { type: 'string', maxLength: limits.labelValueLength } })

/** RFC 7396; how many labels there are in the end is judged where the patch is applied. */
export const labelsPatch = z
  .custom<JsonObject | null>((value) => value === null || isObject(value), {
    error: 'must be an object or null',
    params: { code: 'wrong_type' },
  })
  .superRefine((value, context) => {
    for (const [key, label] of Object.entries(value ?? {})) {
      if (label !== null) checkLabel(key, label, context)
    }
  })
  .meta({
    type: ['object', 'null'],
    additionalProperties: { type: ['string', 'null'], maxLength: limits.labelValueLength },
  } as Record<string, unknown>)

/** Faults of a JSON value that is to be kept: depth, numbers that do not survive, broken text. */
export function checkJson(value: unknown, path: Path, depth: number, context: Context): void {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) fault(context, path, 'out_of_range', 'must be a finite number')
    else if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
      fault(context, path, 'out_of_range', 'an integer must be within ±(2^53 − 1)')
    }
  } else if (typeof value === 'string') {
    if (!wellFormed(value)) fault(context, path, 'wrong_format', illFormed.error)
  } else if (typeof value === 'object' && value !== null) {
    if (depth > limits.metadataDepth) {
      fault(context, path, 'out_of_range', `is nested deeper than ${limits.metadataDepth}`)
      return
    }
    const list = Array.isArray(value)
    for (const [key, child] of Object.entries(value)) {
      if (!wellFormed(key)) fault(context, [...path, key.toWellFormed()], 'wrong_format', illFormed.error)
      checkJson(child, [...path, list ? Number(key) : key], depth + 1, context)
    }
  }
}

/** → its JSON text, '' for an object without members. */
export const metadata = z
  .custom<JsonObject>(isObject, { error: 'must be an object', params: { code: 'wrong_type' } })
  .superRefine((value, context) => {
    checkJson(value, [], 1, context)
    if (Buffer.byteLength(JSON.stringify(value)) > limits.metadataBytes) {
      fault(context, [], 'out_of_range', `must be at most ${limits.metadataBytes} bytes of JSON`)
    }
  })
  .meta({
    type: 'object',
    description: `At most ${limits.metadataBytes} bytes of JSON, nested at most ${limits.metadataDepth} deep.`,
  })
  .transform((value) => {
    const text = JSON.stringify(value)
    return text === '{}' ? '' : text
  })

/** RFC 7396; its size is judged where the patch is applied. */
export const metadataPatch = z
  .custom<JsonObject | null>((value) => value === null || isObject(value), {
    error: 'must be an object or null',
    params: { code: 'wrong_type' },
  })
  .superRefine((value, context) => {
    checkJson(value, [], 1, context)
  })
  .meta({ type: ['object', 'null'] } as Record<string, unknown>)
