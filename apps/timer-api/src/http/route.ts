// What a row of the route table is. Rows say what a request must be; endpoint.ts holds requests to it.

import type { z } from 'zod'
import type { ErrorCode, Refusal } from '@timers/shared/errors.ts'
import type { Answer } from './answer.ts'
import type { AnswerName } from './answer-schemas.ts'
import type { BodySpec } from './body.ts'
import type { Call } from './call.ts'
import type { Scope } from './caller.ts'
import type { TakenConditions } from './conditions.ts'
import type { Services } from './services.ts'

export type Method = 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE'

/** An answer as OpenAPI tells of it. `schema` names one of answer-schemas.ts. */
export interface Success {
  readonly status: number
  readonly description: string
  readonly schema?: AnswerName
  readonly mediaType?: string
  readonly headers?: readonly string[]
}

export interface RouteRow<Q, B> {
  readonly method: Method
  /** With {id} for the timer's id, {code} for a problem's. */
  readonly path: string
  /** operationId. */
  readonly name: string
  readonly summary: string
  readonly description?: string
  /** null: anybody. */
  readonly scope: Scope | null
  readonly query?: z.ZodType<Q>
  readonly body?: BodySpec<B>
  readonly conditions?: TakenConditions
  readonly success: readonly Success[]
  /** Beside those that every route may give. */
  readonly refusals?: readonly ErrorCode[]
  /** The media type of a success; application/json without it, null when it has no body. */
  readonly produces?: string | null
  /** Without one another service answers here. */
  readonly handle?: (call: Call<Q, B>, services: Services) => Promise<Answer | Refusal> | Answer | Refusal
}

export type Route = RouteRow<unknown, unknown>

/** Checks that a row's handler takes what its query and body give. */
export function route<Q = undefined, B = undefined>(row: RouteRow<Q, B>): Route {
  return row as unknown as Route
}
