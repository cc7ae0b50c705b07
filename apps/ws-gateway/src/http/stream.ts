// GET /v1/stream: server-sent events over the same outbox as sockets. What is wrong is told as a problem,
// before the first byte; after it only by events.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '@timers/shared/clock.ts'
import type { Refusal } from '@timers/shared/errors.ts'
import type { Selection } from '@timers/shared/timer/results.ts'
import { closeCodes, type CloseCode } from '../fanout/close-codes.ts'
import type { Hub } from '../fanout/hub.ts'
import type { GatewayLimits } from '../fanout/limits.ts'
import type { Transport } from '../fanout/message.ts'
import { pages, refused, type Joined } from '../fanout/say.ts'
import type { Sink, Viewer } from '../fanout/viewer.ts'
import { commonHeaders, refuse, type About } from './problem.ts'
import { readStreamQuery } from './stream-query.ts'

export interface StreamOptions {
  readonly dataId: string
  readonly tenantId: string
  readonly limits: GatewayLimits
}

export interface StreamDeps {
  readonly clock: Clock
  readonly hub: Hub
  /** Whether it may come in: AUTH=off serves this machine only. */
  readonly check: (headers: IncomingMessage['headers']) => Refusal | undefined
}

const tooManyRetryMs = 5000
const keepAliveMs = 30_000
/** Who does not take the end either is cut off. */
const endWithinMs = 2000

export class Streams {
  readonly #options: StreamOptions
  readonly #deps: StreamDeps
  #size = 0

  constructor(options: StreamOptions, deps: StreamDeps) {
    this.#options = options
    this.#deps = deps
  }

  get size(): number {
    return this.#size
  }

  readonly open = (request: IncomingMessage, response: ServerResponse, about: About): void => {
    const { headers, url = '' } = request
    const query = readStreamQuery(url)
    const foreign = this.#deps.check(headers)
    if (foreign !== undefined) refuse(response, foreign, about)
    else if (!acceptsEvents(headers.accept)) {
      refuse(response, { code: 'not_acceptable', detail: 'There is only text/event-stream here.' }, about)
    } else if (query.ok) this.#subscribe(request, response, about, query)
    else refuse(response, query, about)
  }

  #subscribe(
    request: IncomingMessage,
    response: ServerResponse,
    about: About,
    query: { readonly selection: Selection; readonly tickMs: number | undefined },
  ): void {
    const { clock, hub } = this.#deps
    const { dataId, tenantId } = this.#options
    const only = onlyTimer(query.selection)
    const sink = new StreamSink(response, only === undefined ? 'stream' : 'streamOfOne', about, clock)
    const viewer = hub.connect(about.requestId, tenantId, sink)
    if (viewer === undefined) {
      const detail = 'There are too many viewers here.'
      refuse(response, { code: 'unavailable', detail, retryAfterMs: tooManyRetryMs }, about)
      return
    }
    viewer.listening = false
    this.#size += 1
    response.once('close', () => {
      this.#size -= 1
      hub.counts.close(sink.code ?? closeCodes.gone)
      hub.disconnected(viewer)
    })
    response.on('drain', () => {
      hub.drained(viewer)
    })
    const version = only === undefined ? undefined : resumeFrom(request.headers['last-event-id'], dataId)
    const known = only === undefined || version === undefined ? undefined : new Map([[only, version]])
    hub.subscribe(viewer, { ...query, known }, this.#listener(response, viewer, about))
  }

  #listener(response: ServerResponse, viewer: Viewer, about: About) {
    const { clock, hub } = this.#deps
    return {
      joined: (joined: Joined) => {
        writeHead(response, about)
        viewer.listening = true
        const found = { ...joined, missing: [...joined.missing, ...joined.deleted] }
        for (const page of pages(clock.nowMs(), 'snapshot', {}, found, this.#pageOptions(viewer))) {
          viewer.tellSnapshot(page)
        }
      },
      refused: (refusal: Refusal) => {
        hub.disconnected(viewer)
        refuse(response, refusal, about)
      },
      ended: (subscriptionId: string, refusal: Refusal) => {
        viewer.tell(refused(clock.nowMs(), { subscriptionId }, refusal))
        hub.close(viewer, closeCodes.forbidden, refusal.detail)
      },
    }
  }

  /** Of a stream of one timer the snapshot, too, says from where to resume. */
  #pageOptions(viewer: Viewer) {
    const { limits, dataId } = this.#options
    const [version] = [...viewer.held.values()].map((held) => held.version)
    const resumable = viewer.sink.transport === 'streamOfOne' && version !== undefined
    return { pageTimers: limits.pageTimers, ...(resumable && { eventId: `${dataId}:${version}` }) }
  }
}

function writeHead(response: ServerResponse, about: About): void {
  response.socket?.setNoDelay(true)
  response.socket?.setKeepAlive(true, keepAliveMs)
  response.writeHead(200, {
    ...commonHeaders(about),
    'content-type': 'text/event-stream; charset=utf-8',
    'x-accel-buffering': 'no',
  })
}

function onlyTimer(selection: Selection): string | undefined {
  return 'timerIds' in selection && selection.timerIds.length === 1 ? selection.timerIds[0] : undefined
}

/** `<dataId>:<version>`; whatever else it is, the stream begins afresh. */
function resumeFrom(lastEventId: string | string[] | undefined, dataId: string): number | undefined {
  if (typeof lastEventId !== 'string' || !lastEventId.startsWith(`${dataId}:`)) return undefined
  const version = lastEventId.slice(dataId.length + 1)
  return /^\d{1,15}$/.test(version) ? Number(version) : undefined
}

/** Whether a client with this Accept header takes text/event-stream. */
function acceptsEvents(accept: string | undefined): boolean {
  if (accept === undefined) return true
  return accept.split(',').some((range) => {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const refusesIt = parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))
    return ['text/event-stream', 'text/*', '*/*'].includes(name) && !refusesIt
  })
}

class StreamSink implements Sink {
  readonly transport: Transport
  readonly #response: ServerResponse
  /** By which we ended it. */
  code: CloseCode | undefined
  readonly #about: About
  readonly #clock: Clock

  constructor(response: ServerResponse, transport: Transport, about: About, clock: Clock) {
    this.#response = response
    this.transport = transport
    this.#about = about
    this.#clock = clock
  }

  write(bytes: Buffer): boolean {
    return !this.#response.writable || this.#response.write(bytes)
  }

  /** Whether anybody is there TCP's own probes tell. */
  beat(): void {}

  end(code: CloseCode, reason: string, retryAfterMs: number | undefined): void {
    this.code = code
    if (!this.#response.headersSent) {
      const refusal = { code: 'unavailable', detail: `Not now: ${reason}.` } as const
      refuse(this.#response, { ...refusal, ...(retryAfterMs !== undefined && { retryAfterMs }) }, this.#about)
      return
    }
    this.#response.end(retryAfterMs === undefined ? undefined : `retry: ${retryAfterMs}\n\n`)
    const cancel = this.#clock.after(endWithinMs, () => {
      this.#response.destroy()
    })
    this.#response.once('close', cancel)
  }
}
