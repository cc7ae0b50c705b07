// The front door: one port for all that clients use. /v1/ws, /v1/stream and /ws* go to a gateway, the rest to the
// API. It never answers for them, except that they are not there; it must never end with one of them.

import { randomUUID } from 'node:crypto'
import { Agent, createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { errorTable } from '@timers/shared/errors.ts'
import { givenRequestId } from '@timers/shared/http-request.ts'
import { createProxyServer } from 'http-proxy-3'
import type { ProxyServer } from 'http-proxy-3'

export interface FrontDoorOptions {
  readonly port: number
  /** Base URLs; several of a kind are taken in turn. */
  readonly apis: readonly string[]
  readonly gateways: readonly string[]
  /** Of these URLs; one that is not is left out while another is. Without it all are taken for live. */
  readonly isLive?: (url: string) => boolean
}

export interface FrontDoor extends AsyncDisposable {
  readonly url: string
}

const mostConnections = 10_000
const silenceMs = 60_000
const connectMs = 2_000
const answerMs = 10_000
const keptIdleMs = 75_000

/** Resolves when it listens, on loopback only. */
export async function startFrontDoor(options: FrontDoorOptions): Promise<FrontDoor> {
  const agent = new Agent({ keepAlive: true })
  const proxy = createProxyServer({
    agent,
    toProxy: true, // Passes the path on as it came; otherwise /a/../b would arrive as /b.
    proxyTimeout: silenceMs,
    connectTimeout: connectMs,
  })
  proxy.on('error', () => undefined) // Each request has its own handler; this one keeps the library calm.
  proxy.on('proxyRes', (answer, _request, response) => {
    // How long a connection is kept is told by whoever holds its other end: here that is us.
    delete answer.headers['keep-alive']
    answer.once('close', () => {
      if (!answer.complete) response.destroy() // Cut off on the way: the client must see that, not wait.
    })
  })
  const { apis, gateways, isLive = () => true } = options
  const nextApi = inTurn(apis, isLive)
  const nextGateway = inTurn(gateways, isLive)
  const targetOf = (request: IncomingMessage): string =>
    isForGateway(request.url ?? '/') ? nextGateway() : nextApi()

  const upgraded = new Set<Duplex>()
  const server = createServer({
    // curl --http2 asks for h2c, which is answered as plain HTTP.
    shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === 'websocket',
  })
  server.maxConnections = mostConnections
  server.keepAliveTimeout = keptIdleMs
  server.on('request', (request, response) => {
    if (hasUncountedBody(request)) {
      refuse(request, response, 'malformed', `${request.method ?? ''} with a body needs a Content-Length.`)
      return
    }
    if (request.headers.upgrade !== undefined) {
      delete request.headers.upgrade // Not to a WebSocket, so it is not meant for those behind us either.
      request.headers.connection = 'close'
    }
    const failed = (error: Error): void => {
      if (response.headersSent) response.destroy()
      else refuse(request, response, ...refusalFor(request, error))
    }
    try {
      proxy.web(request, response, { target: targetOf(request) }, failed)
    } catch {
      refuse(request, response, 'malformed', 'The address cannot be read.')
    }
  })
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    upgraded.add(socket)
    socket.once('close', () => upgraded.delete(socket))
    // Not left half open by who does not hang up.
    socket.once('finish', () => socket.destroy())
    passUpgrade(proxy, () => targetOf(request), request, socket, head)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of upgraded) socket.destroy()
      server.closeAllConnections()
      await closed
      agent.destroy()
    },
  }
}

function passUpgrade(
  proxy: ProxyServer,
  target: () => string,
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
): void {
  const failed = (): void => {
    if (socket.bytesWritten === 0) socket.write(rawRefusal(request))
    socket.destroySoon()
  }
  try {
    proxy.ws(request, socket, head, { target: target() }, failed)
    socket.setTimeout(answerMs, () => {
      if (socket.bytesWritten === 0) failed()
    })
  } catch {
    failed()
  }
}

/** When none lives the next is tried all the same: who says so may be wrong. */
function inTurn(targets: readonly string[], isLive: (url: string) => boolean): () => string {
  let turn = 0
  const next = (): string => {
    const target = targets[turn++ % targets.length]
    if (target === undefined) throw new Error('there is no service behind the front door')
    return target
  }
  return () => {
    for (let tries = targets.length; tries > 0; tries -= 1) {
      const target = next()
      if (isLive(target)) return target
    }
    return next()
  }
}

/** `url` is what the request line asks for: a path, perhaps with a query. */
export function isForGateway(url: string): boolean {
  const path = url.split('?', 1)[0] ?? ''
  return path === '/v1/ws' || path === '/v1/stream' || path === '/ws' || path.startsWith('/ws/')
}

/** The library would send such a body after `Content-Length: 0`, where it reads as the next request. */
function hasUncountedBody(request: IncomingMessage): boolean {
  return (
    (request.method === 'DELETE' || request.method === 'OPTIONS') &&
    request.headers['transfer-encoding'] !== undefined
  )
}

type Code = 'malformed' | 'unavailable' | 'outcome_unknown'

function refusalFor(request: IncomingMessage, error: Error): [Code, string] {
  const { syscall, code } = error as NodeJS.ErrnoException
  const nothingWasSent = syscall === 'connect' || code === 'ECONNECT_TIMEOUT'
  const changesNothing = request.method === 'GET' || request.method === 'HEAD'
  return nothingWasSent || changesNothing
    ? ['unavailable', 'The service behind the front door does not answer at the moment.']
    : ['outcome_unknown', 'The service behind the front door was lost before it answered.']
}

const retryAfterMs = 1_000

function problem(request: IncomingMessage, code: Code, detail: string): [Record<string, string>, string] {
  const { http: status, title } = errorTable[code]
  const requestId = givenRequestId(request.headers) ?? randomUUID()
  const instance = request.url ?? '/'
  const body = { type: `/problems/${code}`, title, status, detail, instance, code, requestId }
  const retry = code === 'unavailable'
  const text = JSON.stringify(retry ? { ...body, retryAfterMs } : body)
  const headers = {
    'Content-Type': 'application/problem+json',
    'Content-Length': String(Buffer.byteLength(text)),
    'Cache-Control': 'no-store',
    'Request-Id': requestId,
    ...(retry ? { 'Retry-After': String(retryAfterMs / 1_000) } : {}),
  }
  return [headers, text]
}

function refuse(request: IncomingMessage, response: ServerResponse, code: Code, detail: string): void {
  const [headers, text] = problem(request, code, detail)
  // What is left of the body is not read, so the connection can't be used again.
  response.writeHead(errorTable[code].http, { ...headers, Connection: 'close' }).end(text)
}

function rawRefusal(request: IncomingMessage): string {
  const [headers, text] = problem(
    request,
    'unavailable',
    'The gateway behind the front door does not answer at the moment.',
  )
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return ['HTTP/1.1 503 Service Unavailable', ...lines, 'Connection: close', '', text].join('\r\n')
}
