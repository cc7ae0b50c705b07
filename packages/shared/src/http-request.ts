// What both HTTP edges do alike with a request, whatever it asks for: the id it goes by, and what is said when it
// cannot be read. Knows no server.

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Refusal } from './errors.ts'
import { limits } from './timer/limits.ts'

const acceptable = new RegExp(`^[\\x20-\\x7e]{1,${limits.requestIdLength}}$`)

/** The id the client gave, if it is fit to be shown. */
export function givenRequestId(headers: IncomingHttpHeaders): string | undefined {
  const given = headers['request-id'] ?? headers['x-request-id']
  return typeof given === 'string' && acceptable.test(given) ? given : undefined
}

/** Of a request without a Host, which HTTP/1.1 wants refused as malformed. */
export function hostRefusal({ headers, httpVersion }: IncomingMessage): Refusal | undefined {
  return headers.host === undefined && httpVersion === '1.1'
    ? { code: 'malformed', detail: 'The header Host is missing.' }
    : undefined
}

/** Of bytes that are no request, or not in time: what Node's parser says of them → our table. */
export function unreadRefusal({ code }: NodeJS.ErrnoException): Refusal {
  const detail =
    code === 'HPE_HEADER_OVERFLOW'
      ? 'The headers are too large.'
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? 'The request did not come in time.'
        : 'This is not HTTP.'
  return { code: 'malformed', detail }
}
