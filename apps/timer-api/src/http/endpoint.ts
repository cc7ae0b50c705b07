// Holds a request to its row of the table: caller, id, query, conditions, body, each fault listed; then
// its handler. Rows and handlers see only what has passed.

import type { Fault, Refusal } from '@timers/shared/errors.ts'
import { RefusalError } from '@timers/shared/errors.ts'
import { mostFaults, refusalOf } from '@timers/shared/schema/faults.ts'
import { limits } from '@timers/shared/timer/limits.ts'
import { isAcceptable } from './accept.ts'
import { isRefusal } from './answer.ts'
import { readBody, refuseMediaType } from './body.ts'
import type { Call } from './call.ts'
import type { Caller } from './caller.ts'
import { readConditions } from './conditions.ts'
import type { ReadBytes } from './bytes.ts'
import type { Exchange } from './exchange.ts'
import { readQuery } from './query.ts'
import type { Route } from './route.ts'
import type { Services } from './services.ts'

/** How long a handler may take, waiting for news not counted. */
const requestWithinMs = 5000

export interface EndpointDeps {
  readonly services: Services
  readonly readBytes: ReadBytes
}

export type Endpoint = (exchange: Exchange, caller: Caller, id: string) => Promise<void>

export function createEndpoint(route: Route, deps: EndpointDeps): Endpoint {
  const label = `${route.method} ${route.path}`
  const produces = route.produces === undefined ? 'application/json' : route.produces
  const isOfTimer = route.path.startsWith('/v1/timers/{id}')

  /** What can be said before the body is read. */
  const refuseEarly = ({ request }: Exchange, caller: Caller): Refusal | undefined => {
    if (route.scope !== null && !caller.scopes.has(route.scope)) {
      return { code: 'forbidden', detail: `This needs the scope ${route.scope}.` }
    }
    if (produces !== null && !isAcceptable(request.headers.accept, produces)) {
      return { code: 'not_acceptable', detail: `The answer is ${produces}.` }
    }
    return route.body && refuseMediaType(request, route.body)
  }

  const readCall = async (
    exchange: Exchange,
    caller: Caller,
    id: string,
  ): Promise<Call<unknown, unknown> | Refusal> => {
    const { request, receivedAtMs, requestId } = exchange
    const early = refuseEarly(exchange, caller)
    if (early !== undefined) return early
    const conditions = readConditions(request.headers, route.conditions ?? {})
    if ('code' in conditions) return conditions
    const query = readQuery(request.url ?? '', route.query)
    if ('code' in query) return query

    const faults: Fault[] = []
    if (isOfTimer && !limits.timerId.test(id)) faults.push(notATimerId)
    if (request.headers['idempotency-key'] !== undefined) faults.push(noKeys)
    if (!query.ok) faults.push(...query.faults)
    let body: unknown
    if (route.body !== undefined) {
      const bytes = await deps.readBytes(exchange, route.body.mostBytes)
      if (bytes !== undefined && 'code' in bytes) return bytes
      const read = readBody(bytes, route.body, receivedAtMs)
      if ('ok' in read) {
        if (read.ok) body = read.value
        else faults.push(...read.errors)
      } else return read
    }
    if (faults.length > 0 || !query.ok) return refusalOf(faults.slice(0, mostFaults), 'The request')
    return {
      caller,
      requestId,
      id,
      query: query.value,
      body,
      conditions,
      receivedAtMs,
      deadlineMs: receivedAtMs + requestWithinMs,
      gone: () => goneSignal(exchange),
    }
  }

  return async (exchange, caller, id) => {
    exchange.route = label
    try {
      const call = await readCall(exchange, caller, id)
      if ('code' in call || route.handle === undefined) {
        exchange.refuse('code' in call ? call : elsewhere)
        return
      }
      const result = await route.handle(call, deps.services)
      if (isRefusal(result)) exchange.refuse(result)
      else exchange.answer(result)
    } catch (error) {
      if (error instanceof RefusalError) exchange.refuse(error.refusal)
      else exchange.fail(error)
    }
  }
}

const notATimerId: Fault = {
  parameter: 'id',
  code: 'wrong_format',
  detail: 'a timer id is 1 to 128 of A-Z a-z 0-9 . _ ~ -, the first a letter or digit',
}
// Keys that make a repeat harmless are not built: silently taken, one would promise what nobody keeps.
const noKeys: Fault = {
  header: 'Idempotency-Key',
  code: 'not_allowed',
  detail: 'idempotency keys are not supported',
}
const elsewhere: Refusal = {
  code: 'not_found',
  detail: 'Another service answers here; come by the front door.',
}

function goneSignal({ response }: Exchange): AbortSignal {
  const gone = new AbortController()
  response.once('close', () => {
    gone.abort()
  })
  if (response.destroyed) gone.abort()
  return gone.signal
}
