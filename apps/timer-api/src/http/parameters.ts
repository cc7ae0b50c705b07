// The schemas of query parameters: text in, checked values out. What OpenAPI shows of each is beside it.

import { z } from 'zod'
import { limits } from '@timers/shared/timer/limits.ts'
import { queryLimits } from '@timers/shared/timer/queries.ts'

/** A decimal integer within both bounds. */
export function wholeNumber(least: number, most: number) {
  const problem = `must be an integer from ${least} to ${most}`
  return z
    .string(problem)
    .regex(/^\d{1,16}$/, problem)
    .transform(Number)
    .refine((value) => value >= least && value <= most, { error: problem, params: { code: 'out_of_range' } })
    .meta({ type: 'integer', minimum: least, maximum: most })
}

export const flag = z
  .enum(['true', 'false'], 'must be true or false')
  .transform((text) => text === 'true')
  .meta({ type: 'boolean' })

export const limit = wholeNumber(1, queryLimits.page).default(queryLimits.defaultPage)

/** How long an answer may wait for news, ms. */
export const waitMs = wholeNumber(0, 30_000)

export const timerIdPrefix = z.string().regex(limits.timerIdPrefix, 'is no beginning of a timer id')

export const cursor = z.string().max(12_000, 'is too long')
