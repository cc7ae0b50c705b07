// A refusal as application/problem+json (RFC 9457), before the first byte of a stream or of a socket.
// The words and statuses are the error table's.

import type { ServerResponse } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ClusterClock } from '@timers/shared/clock.ts'
import { errorTable, type Refusal } from '@timers/shared/errors.ts'
import { instant } from '@timers/shared/timer/timer-json.ts'

export interface About {
  /** The path that was asked for. */
  readonly instance: string
  readonly requestId: string
  readonly clock: ClusterClock
}

/** For every answer; a page of another origin may read the headers that are exposed. */
export function commonHeaders({ requestId, clock }: About): Record<string, string> {
  return {
    'request-id': requestId,
    'server-time': instant(clock.nowMs()),
    'access-control-allow-origin': '*',
    'access-control-expose-headers': 'Request-Id, Server-Time, Retry-After, Allow',
    'cache-control': 'no-store',
  }
}

function problem(refusal: Refusal, about: About) {
  const { http: status, title } = errorTable[refusal.code]
  const { code, detail, retryAfterMs, errors } = refusal
  const { instance, requestId } = about
  const type = `/problems/${code}`
  const body = JSON.stringify({
    type,
    title,
    status,
    detail,
    instance,
    code,
    requestId,
    retryAfterMs,
    errors,
  })
  const headers = {
    ...commonHeaders(about),
    ...(retryAfterMs !== undefined && { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) }),
    'content-type': 'application/problem+json',
    'content-length': String(Buffer.byteLength(body)),
  }
  return { status, headers, body }
}

export function refuse(
  response: ServerResponse,
  refusal: Refusal,
  about: About,
  more: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) return
  const { status, headers, body } = problem(refusal, about)
  response.writeHead(status, { ...headers, ...more })
  response.end(body)
}

/** The same on a connection that asked to be something else than HTTP. */
export function refuseUpgrade(socket: Duplex, refusal: Refusal, about: About): void {
  const { status, headers, body } = problem(refusal, about)
  const lines = Object.entries({ ...headers, connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}`,
  )
  const text = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, '', body].join('\r\n')
  // Not left half open: nothing waits for it any more, and nothing would ever end it.
  socket.end(text, () => socket.destroy())
}
