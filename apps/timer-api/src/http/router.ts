// The route table → express: each row its endpoint, each path its answer to other methods.

import express, { type Request, type Response, type Router } from 'express'
import type { Caller } from './caller.ts'
import { createEndpoint, type EndpointDeps } from './endpoint.ts'
import type { Exchange } from './exchange.ts'
import type { Method, Route } from './route.ts'

/** Where express carries what is ours. */
export interface Locals {
  exchange: Exchange
  caller: Caller
}

export function createRouter(routes: readonly Route[], deps: EndpointDeps): Router {
  const router = express.Router({ caseSensitive: true, strict: true })
  for (const [path, rows] of Map.groupBy(routes, (row) => row.path)) {
    const at = router.route(path.replace(/\{(\w+)\}/g, ':$1'))
    for (const row of rows) {
      const endpoint = createEndpoint(row, deps)
      const verb = row.method.toLowerCase() as Lowercase<Method>
      at[verb]((request, response: Response<unknown, Locals>) =>
        endpoint(response.locals.exchange, response.locals.caller, idIn(request.params)),
      )
    }
    const allow = allowed(rows)
    at.all((request, response: Response<unknown, Locals>) => {
      const { exchange } = response.locals
      exchange.route = `* ${path}`
      if (request.method === 'OPTIONS') exchange.answer({ status: 204, headers: preflight(allow) })
      else {
        const detail = `${request.method} is not taken here: ${allow} are.`
        exchange.refuse({ code: 'method_not_allowed', detail }, { allow })
      }
    })
  }
  return router
}

/** A path has at most one parameter. */
function idIn(parameters: Request['params']): string {
  const [id = ''] = Object.values(parameters)
  return String(id)
}

function allowed(rows: readonly Route[]): string {
  const methods = rows.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  return [...methods, 'OPTIONS'].join(', ')
}

/** Pages of any origin may ask, with a bearer token and never with cookies. */
function preflight(allow: string): Record<string, string> {
  return {
    allow,
    'access-control-allow-methods': allow,
    'access-control-allow-headers':
      'Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, Request-Id, X-Request-Id',
    'access-control-max-age': '7200',
  }
}
