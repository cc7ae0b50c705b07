// The HTTP server: its limits and deadlines, what is asked of every request, and the end of it all.
// It must answer whatever comes in with a problem of our table, or close; never with a stack.

import type { Request, Response } from 'express'
import { once } from 'node:events'
import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { pause, type Clock } from '@timers/shared/clock.ts'
import type { Refusal } from '@timers/shared/errors.ts'
import { givenRequestId, hostRefusal, unreadRefusal } from '@timers/shared/http-request.ts'
import { instant } from '@timers/shared/timer/timer-json.ts'
import type { Identify } from './caller.ts'
import { createReadBytes } from './bytes.ts'
import { Exchange, type ExchangeDeps } from './exchange.ts'
import { problemOf } from './problem.ts'
import { createRouter, type Locals } from './router.ts'
import { routes } from './routes.ts'
import type { Services } from './services.ts'

export interface HttpServerDeps extends ExchangeDeps {
  readonly identify: Identify
  readonly services: Services
  /** For a request without an id of its own. */
  readonly newRequestId: () => string
}

export interface HttpServer extends AsyncDisposable {
  readonly url: string
  readonly inFlight: number
}

const most = { inFlight: 10_000, connections: 20_000, bytesHeld: 128 * 1024 * 1024, headerBytes: 16 * 1024 }

/** All ms. */
export const deadlines = {
  /** Headers and body must have come by then. */
  requestTimeout: 30_000,
  headersTimeout: 10_000,
  connectionsCheckingInterval: 2000,
  /** Longer than the proxies before us keep theirs. */
  keepAliveTimeout: 75_000,
  /** Nothing read or written for so long: the peer is gone. Above the longest wait for news. */
  silence: 120_000,
  /** After its goodbye it serves on for so long: whoever sends it requests has heard by then. */
  leaving: 250,
  /** For requests under way when it ends: longer than a handler may take. */
  drain: 6000,
}

/** Throws when it cannot listen there. */
export async function startHttpServer(
  options: { host: string; port: number; within?: typeof deadlines },
  deps: HttpServerDeps,
): Promise<HttpServer> {
  const { clock } = deps
  const { silence, drain: drainMs, leaving: leavingMs, ...within } = options.within ?? deadlines
  const readBytes = createReadBytes({ mostBytesHeld: most.bytesHeld })
  const router = createRouter(routes, { services: deps.services, readBytes })
  let inFlight = 0
  let closing = false

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    inFlight += 1
    response.once('close', () => {
      inFlight -= 1
    })
    if (closing) response.shouldKeepAlive = false
    const requestId = givenRequestId(request.headers) ?? deps.newRequestId()
    const caller = hostRefusal(request) ?? deps.identify(request)
    const exchange = new Exchange({ request, response, requestId }, deps)
    if ('code' in caller) exchange.refuse(caller)
    else if (inFlight > most.inFlight) exchange.refuse(tooMany)
    else {
      const locals: Locals = { exchange, caller }
      router(
        request as Request,
        Object.assign(response, { locals }) as unknown as Response,
        (error?: unknown) => {
          refuseUnrouted(exchange, error)
        },
      )
    }
  }

  const server = createServer(
    // Refused here, with a problem as all are.
    { ...within, noDelay: true, maxHeaderSize: most.headerBytes, requireHostHeader: false },
    handle,
  )
  // What it expects is not looked at: it gets its answer like any other.
  server.on('checkExpectation', handle)
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    refuseUnread(error, socket, { requestId: deps.newRequestId(), serverTime: instant(clock.nowMs()) })
  })
  server.maxConnections = most.connections
  // Bounded by their bytes: over a count they would be dropped without a word, a condition among them.
  server.maxHeadersCount = 0
  server.timeout = silence
  server.listen(options.port, options.host)
  await once(server, 'listening')

  return {
    url: urlOf(server),
    get inFlight() {
      return inFlight
    },
    async [Symbol.asyncDispose]() {
      closing = true
      await pause(clock, leavingMs)
      await drain(server, clock, drainMs)
    },
  }
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

/** Lets requests under way finish; what is not done by then, as who waits for news, is cut off. */
async function drain(server: Server, clock: Clock, withinMs: number): Promise<void> {
  const closed = new AbortController()
  server.close(() => {
    closed.abort()
  })
  const untilMs = clock.monotonicMs() + withinMs
  while (!closed.signal.aborted && clock.monotonicMs() < untilMs) {
    server.closeIdleConnections()
    await pause(clock, 50, closed.signal)
  }
  server.closeAllConnections()
}

const tooMany: Refusal = {
  code: 'unavailable',
  detail: 'Too many requests are under way here.',
  retryAfterMs: 1000,
}

function refuseUnrouted(exchange: Exchange, error: unknown): void {
  if (error === undefined) exchange.refuse({ code: 'not_found', detail: 'There is nothing at this path.' })
  else if ((error as { status?: number }).status === 400) {
    exchange.refuse({ code: 'malformed', detail: 'The path has a broken percent-encoding.' })
  } else exchange.fail(error)
}

/** Bytes that are no request, or not in time: there is no response to answer with, only the socket. */
function refuseUnread(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  { requestId, serverTime }: { readonly requestId: string; readonly serverTime: string },
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const problem = problemOf(unreadRefusal(error), '', requestId)
  const body = JSON.stringify(problem)
  socket.end(
    [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
      'Connection: close',
      `Request-Id: ${requestId}`,
      `Server-Time: ${serverTime}`,
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  )
}
