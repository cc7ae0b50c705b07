// A body's bytes, held only as long as its request, within a limit for each and one for all together.

import express from 'express'
import type { IncomingMessage } from 'node:http'
import type { Refusal } from '@timers/shared/errors.ts'
import { hasBody } from './body.ts'
import type { Exchange } from './exchange.ts'

/** undefined: the request has none. */
export type ReadBytes = (exchange: Exchange, mostBytes: number) => Promise<Uint8Array | undefined | Refusal>

type Raw = ReturnType<typeof express.raw>

/** `mostBytesHeld`: of all bodies that are being read or worked on. */
export function createReadBytes(options: { mostBytesHeld: number }): ReadBytes {
  const readers = new Map<number, Raw>()
  let held = 0

  return async ({ request, response }, mostBytes) => {
    if (!hasBody(request)) return undefined
    const length = lengthOf(request) ?? mostBytes
    if (length > mostBytes) {
      response.shouldKeepAlive = false
      return tooLarge(mostBytes)
    }
    if (held + length > options.mostBytesHeld) return full
    held += length
    response.once('close', () => {
      held -= length
    })
    let read = readers.get(mostBytes)
    if (read === undefined) {
      read = express.raw({ type: () => true, limit: mostBytes, inflate: false })
      readers.set(mostBytes, read)
    }
    const refusal = await finish(read, request, response)
    if (refusal === undefined) return (request as IncomingMessage & { body?: Uint8Array }).body
    response.shouldKeepAlive = false
    return refusal
  }
}

function lengthOf({ headers }: IncomingMessage): number | undefined {
  const length = Number(headers['content-length'])
  return Number.isNaN(length) ? undefined : length
}

function finish(
  read: Raw,
  request: IncomingMessage,
  response: Exchange['response'],
): Promise<Refusal | undefined> {
  return new Promise((resolve, reject) => {
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- it has what is read there
    read(request, response, (error?: unknown) => {
      if (error === undefined || error === null) resolve(undefined)
      else {
        const refusal = refusalOf(error)
        if (refusal === undefined)
          reject(error instanceof Error ? error : new Error('the body could not be read', { cause: error }))
        else resolve(refusal)
      }
    })
  })
}

/** What the library says of a body → our table. */
function refusalOf(error: unknown): Refusal | undefined {
  const { status, type, limit } = error as { status?: number; type?: string; limit?: number }
  if (type === 'entity.too.large') return tooLarge(limit ?? 0)
  if (status === 415) return { code: 'unsupported_media_type', detail: 'Content-Encoding is not taken here.' }
  return status === 400 ? { code: 'malformed', detail: 'The body did not come whole.' } : undefined
}

function tooLarge(mostBytes: number): Refusal {
  return { code: 'too_large', detail: `The body must be at most ${mostBytes} bytes.` }
}

const full: Refusal = { code: 'unavailable', detail: 'Too much is being received here.', retryAfterMs: 1000 }
