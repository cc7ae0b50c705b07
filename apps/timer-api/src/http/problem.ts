// A refusal as application/problem+json (RFC 9457). The words and statuses are the error table's.

import { errorTable, type Refusal } from '@timers/shared/errors.ts'
import type { Answer } from './answer.ts'

export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly instance: string
  readonly code: string
  readonly requestId: string
  readonly retryAfterMs?: number
  readonly errors?: Refusal['errors']
}

const comeBackAfterMs = 1000

/** `instance`: what was asked for, a path. */
export function problemOf(refusal: Refusal, instance: string, requestId: string): Problem {
  const { http, title } = errorTable[refusal.code]
  const retryAfterMs = refusal.retryAfterMs ?? (http === 503 || http === 429 ? comeBackAfterMs : undefined)
  return {
    type: `/problems/${refusal.code}`,
    title,
    status: http,
    detail: refusal.detail,
    instance,
    code: refusal.code,
    requestId,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(refusal.errors !== undefined && { errors: refusal.errors }),
  }
}

export function problemAnswer(
  refusal: Refusal,
  instance: string,
  requestId: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const problem = problemOf(refusal, instance, requestId)
  return {
    status: problem.status,
    headers: {
      ...headers,
      ...(problem.retryAfterMs !== undefined && {
        'retry-after': String(Math.max(1, Math.ceil(problem.retryAfterMs / 1000))),
      }),
    },
    type: 'application/problem+json',
    body: JSON.stringify(problem),
  }
}
