// The HTTP server before both kinds of viewers: it finds who serves a path, and refuses the rest. It holds
// no state of any viewer.

import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ClusterClock } from '@timers/shared/clock.ts'
import type { Refusal } from '@timers/shared/errors.ts'
import { givenRequestId, hostRefusal, unreadRefusal } from '@timers/shared/http-request.ts'
import { commonHeaders, refuse, refuseUpgrade, type About } from './problem.ts'

export interface HttpServerDeps {
  readonly clock: ClusterClock
  /** GET /v1/stream. */
  readonly onStream: (request: IncomingMessage, response: ServerResponse, about: About) => void
  /** /v1/ws, asking for an upgrade. */
  readonly onSocket: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
}

export interface HttpServer extends AsyncDisposable {
  readonly url: string
  /** Takes nobody new. */
  close(): void
}

const headersWithinMs = 10_000
/** 100 timer ids are 14 KB. */
const headerBytes = 32 << 10

export async function startHttpServer(
  options: { readonly host: string; readonly port: number; readonly connectionsMost: number },
  deps: HttpServerDeps,
): Promise<HttpServer> {
  const server = createServer({
    headersTimeout: headersWithinMs,
    requestTimeout: headersWithinMs,
    maxHeaderSize: headerBytes,
    // Refused here, with a problem as all are.
    requireHostHeader: false,
    // Others, as h2c, are answered as plain HTTP.
    shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === 'websocket',
  })
  server.maxConnections = options.connectionsMost
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    onRequest(request, response, deps)
  }
  // What it expects is not looked at: it gets its answer like any other.
  server.on('request', answer).on('checkExpectation', answer)
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy()
    else refuseUpgrade(socket, unreadRefusal(error), { ...nameless(), clock: deps.clock })
  })
  server.on('upgrade', (request, socket, head) => {
    if (pathOf(request) === '/v1/ws') deps.onSocket(request, socket, head)
    else {
      socket.on('error', () => socket.destroy())
      refuseUpgrade(socket, notFound, aboutOf(request, deps.clock))
    }
  })
  server.listen(options.port, options.host)
  await once(server, 'listening')
  const { address, family, port } = server.address() as AddressInfo
  let closed: Promise<unknown> | undefined
  const close = (): void => {
    if (closed !== undefined) return
    closed = once(server, 'close')
    server.close()
  }
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    close,
    async [Symbol.asyncDispose]() {
      close()
      server.closeAllConnections()
      await closed
    },
  }
}

const notFound: Refusal = { code: 'not_found', detail: 'There is nothing at this path.' }
const allowed = 'GET, OPTIONS'

function onRequest(request: IncomingMessage, response: ServerResponse, deps: HttpServerDeps): void {
  const about = aboutOf(request, deps.clock)
  response.on('error', () => undefined)
  const refusal = hostRefusal(request)
  if (refusal !== undefined) refuse(response, refusal, about)
  else if (about.instance === '/v1/ws') {
    refuse(response, { code: 'malformed', detail: 'This path speaks WebSocket: ask for an upgrade.' }, about)
  } else if (about.instance !== '/v1/stream') refuse(response, notFound, about)
  else if (request.method === 'GET') deps.onStream(request, response, about)
  else if (request.method === 'OPTIONS') {
    response.writeHead(204, {
      ...commonHeaders(about),
      allow: allowed,
      'access-control-allow-methods': allowed,
      'access-control-allow-headers': 'Authorization, Last-Event-ID, Request-Id, X-Request-Id',
      'access-control-max-age': '86400',
    })
    response.end()
  } else {
    refuse(response, { code: 'method_not_allowed', detail: `Only ${allowed} here.` }, about, {
      allow: allowed,
    })
  }
}

function pathOf(request: IncomingMessage): string {
  return request.url?.split('?', 1)[0] ?? ''
}

/** With the client's own request id, if it sent one, so that it finds its request in our logs. */
export function aboutOf(request: IncomingMessage, clock: ClusterClock): About {
  const { requestId } = nameless()
  return { instance: pathOf(request), requestId: givenRequestId(request.headers) ?? requestId, clock }
}

function nameless(): Pick<About, 'instance' | 'requestId'> {
  return { instance: '', requestId: `req_${randomUUID()}` }
}
