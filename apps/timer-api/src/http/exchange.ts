// One request under way: its id, when it came, and its one answer. Whatever becomes of a request, it is
// answered, measured and logged here.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '@timers/shared/clock.ts'
import { errorTable, type Refusal } from '@timers/shared/errors.ts'
import type { Logger } from '@timers/shared/logger.ts'
import { instant } from '@timers/shared/timer/timer-json.ts'
import { send, type Answer } from './answer.ts'
import { problemAnswer } from './problem.ts'

export interface ExchangeDeps {
  readonly clock: Clock
  readonly logger: Logger
  /** `route`: the pattern, never the path. */
  readonly measure: (route: string, status: number, seconds: number) => void
}

/** Only measured: there is nobody to be answered. */
const clientIsGone = 499

export interface ExchangeParts {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly requestId: string
}

export class Exchange {
  readonly requestId: string
  /** Cluster time. */
  readonly receivedAtMs: number
  /** The pattern of the row that answers; 'none' while there is none. */
  route = 'none'
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly #startedAtMs: number
  readonly #deps: ExchangeDeps

  constructor(parts: ExchangeParts, deps: ExchangeDeps) {
    this.request = parts.request
    this.response = parts.response
    this.requestId = parts.requestId
    this.receivedAtMs = deps.clock.nowMs()
    this.#startedAtMs = deps.clock.monotonicMs()
    this.#deps = deps
  }

  /** What was asked for, without the query. */
  get path(): string {
    const url = this.request.url ?? ''
    const end = url.indexOf('?')
    return end < 0 ? url : url.slice(0, end)
  }

  answer(answer: Answer): void {
    const { clock, logger, measure } = this.#deps
    const status = this.response.destroyed ? clientIsGone : answer.status
    send(this.response, answer, { requestId: this.requestId, serverTime: instant(clock.nowMs()) })
    const tookMs = clock.monotonicMs() - this.#startedAtMs
    measure(this.route, status, tookMs / 1000)
    const fields = { requestId: this.requestId, route: this.route, status, tookMs }
    if (status < 500) logger.debug(fields, 'answered')
    else logger.warn(fields, 'answered')
  }

  refuse(refusal: Refusal, headers?: Readonly<Record<string, string>>): void {
    this.answer(problemAnswer(refusal, this.path, this.requestId, headers))
  }

  /** A bug: told to the log, not to the client. */
  fail(error: unknown): void {
    this.#deps.logger.error({ error, requestId: this.requestId, route: this.route }, 'a request failed')
    this.refuse({ code: 'internal', detail: errorTable.internal.meaning })
  }
}
