// The query of /v1/stream, strictly: unknown, repeated and faulty parameters are refused, every fault listed.

import { z } from 'zod'
import type { Fault, Refusal } from '@timers/shared/errors.ts'
import { timerIdSchema } from '@timers/shared/schema/command-item.ts'
import { faultsOf, refusalOf } from '@timers/shared/schema/faults.ts'
import { limits } from '@timers/shared/timer/limits.ts'
import type { Selection } from '@timers/shared/timer/results.ts'
import { gatewayLimits } from '../fanout/limits.ts'

export interface StreamQuery {
  readonly ok: true
  readonly selection: Selection
  readonly tickMs: number | undefined
}

/** What a client may ask; the test of the contract reads it. */
export const streamQuerySchema = z.strictObject({
  timer: z
    .array(timerIdSchema)
    .max(gatewayLimits.streamTimers, `must be at most ${gatewayLimits.streamTimers}`)
    .optional(),
  prefix: z.string().regex(limits.timerIdPrefix, 'is no beginning of a timer id').optional(),
  tickMs: z
    .string()
    .regex(/^\d{4,5}$/, 'must be an integer from 1000 to 60000')
    .transform(Number)
    .refine((ms) => ms >= 1000 && ms <= 60_000, {
      error: 'must be an integer from 1000 to 60000',
      params: { code: 'out_of_range' },
    })
    .refine((ms) => ms % 1000 === 0, { error: 'must be whole seconds', params: { code: 'wrong_format' } })
    .optional(),
})

const parametersMost = 200

export function readStreamQuery(url: string): StreamQuery | ({ readonly ok: false } & Refusal) {
  const start = url.indexOf('?')
  const given: Record<string, string | string[]> = {}
  const timers: string[] = []
  const faults: Fault[] = []
  for (const pair of start < 0 ? [] : url.slice(start + 1).split('&', parametersMost + 1)) {
    const equals = pair.indexOf('=')
    const name = decode(equals < 0 ? pair : pair.slice(0, equals))
    const value = decode(equals < 0 ? '' : pair.slice(equals + 1))
    if (name === undefined || value === undefined) {
      return { ok: false, code: 'malformed', detail: 'The query has a broken percent-encoding.' }
    }
    if (name === 'timer') {
      timers.push(value)
      given[name] = timers
    } else if (Object.hasOwn(given, name)) {
      faults.push({ parameter: name, code: 'not_allowed', detail: 'is given more than once' })
    } else if (Object.hasOwn(streamQuerySchema.shape, name)) given[name] = value
    else if (name !== '') faults.push({ parameter: name, code: 'unknown_field', detail: 'is not known here' })
  }
  const { timer, prefix } = given
  if (timer === undefined && prefix === undefined) {
    faults.push({ parameter: 'timer', code: 'missing', detail: 'timer or prefix is needed' })
  } else if (timer !== undefined && prefix !== undefined) {
    faults.push({
      parameter: 'prefix',
      code: 'not_allowed',
      detail: 'is given beside timer: only one may be',
    })
  }
  const parsed = streamQuerySchema.safeParse(given)
  for (const { pointer, ...fault } of parsed.success ? [] : faultsOf(parsed.error, given)) {
    faults.push({ parameter: pointer.split('/')[1] ?? '', ...fault })
  }
  if (!parsed.success || faults.length > 0) return { ok: false, ...refusalOf(faults, 'The query') }
  const { data } = parsed
  const selection =
    data.prefix === undefined ? { timerIds: [...new Set(data.timer)] } : { prefix: data.prefix }
  return { ok: true, selection, tickMs: data.tickMs }
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
