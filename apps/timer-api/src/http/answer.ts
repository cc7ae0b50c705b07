// What a handler gives back, and what goes out: one writeHead, one end, the same headers on all.

import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Refusal } from '@timers/shared/errors.ts'

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Without one the answer has no body. */
  readonly body?: string
  /** application/json without it. */
  readonly type?: string
}

export function isRefusal(result: Answer | Refusal): result is Refusal {
  return 'code' in result
}

/** Every header of ours that a page of another origin may read. */
const exposed = 'ETag, Location, Position, Request-Id, Server-Time, Retry-After, Allow'

/** Sends it; to a client that is gone already nothing. */
export function send(
  response: ServerResponse,
  { status, headers, body, type = 'application/json' }: Answer,
  common: { readonly requestId: string; readonly serverTime: string },
): void {
  if (response.headersSent || response.destroyed) return
  const all: OutgoingHttpHeaders = {
    'request-id': common.requestId,
    'server-time': common.serverTime,
    'access-control-allow-origin': '*',
    'access-control-expose-headers': exposed,
    ...headers,
  }
  if (body !== undefined) {
    all['content-type'] = type
    all['content-length'] = Buffer.byteLength(body)
  } else if (status !== 204 && status !== 304) all['content-length'] = 0
  response.writeHead(status, all)
  response.end(body)
}
