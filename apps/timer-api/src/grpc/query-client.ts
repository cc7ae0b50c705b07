// Questions to the read model: any live persistence node may answer; from one that does not, the next is asked.

import {
  credentials,
  Metadata,
  status,
  type CallOptions,
  type ChannelOptions,
  type ClientUnaryCall,
  type ServiceError,
} from '@grpc/grpc-js'
import { TimerQueriesClient } from '@timers/proto/timers/core/v1/queries.ts'
import type { Clock } from '@timers/shared/clock.ts'
import type { Directory, LiveNode } from '@timers/shared/cluster/directory.ts'
import { RefusalError } from '@timers/shared/errors.ts'
import type { Logger } from '@timers/shared/logger.ts'
import type {
  EventPage,
  FeedPage,
  FeedQuery,
  ListQuery,
  TimerEventsQuery,
  TimerPage,
  TimerStats,
} from '@timers/shared/timer/queries.ts'
import {
  eventPageFromWire,
  feedPageFromWire,
  feedQueryToWire,
  listQueryToWire,
  statsFromWire,
  timerEventsQueryToWire,
  timerPageFromWire,
} from '@timers/shared/wire/query-wire.ts'

export interface QueryClientDeps {
  readonly directory: Directory
  readonly clock: Clock
  readonly logger: Logger
}

type Method<Question, Reply> = (
  client: TimerQueriesClient,
  question: Question,
  metadata: Metadata,
  options: CallOptions,
  callback: (error: ServiceError | null, reply: Reply) => void,
) => ClientUnaryCall

const channelOptions: ChannelOptions = {
  // A page of 500 timers with all their metadata fits.
  'grpc.max_receive_message_length': 16 * 1024 * 1024,
  'grpc.keepalive_time_ms': 2000,
  'grpc.keepalive_timeout_ms': 2000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
}
/** Of one node, so that time is left for the next; it may itself wait 2 s until it has read far enough. */
const answerWithinMs = 3000

/** All throw a RefusalError: `unavailable` when nobody answered by `deadlineMs`, in cluster time. */
export class QueryClient implements AsyncDisposable {
  readonly #deps: QueryClientDeps
  readonly #clients = new Map<string, TimerQueriesClient>()
  readonly #endWatch: () => void
  #turn = 0

  constructor(deps: QueryClientDeps) {
    this.#deps = deps
    this.#endWatch = deps.directory.onChange(() => {
      this.#closeGone()
    })
  }

  async list(query: ListQuery, deadlineMs: number): Promise<TimerPage> {
    return timerPageFromWire(
      await this.#ask((client, ...rest) => client.listTimers(...rest), listQueryToWire(query), deadlineMs),
    )
  }

  async timerEvents(query: TimerEventsQuery, deadlineMs: number): Promise<EventPage> {
    const question = timerEventsQueryToWire(query)
    return eventPageFromWire(
      await this.#ask((client, ...rest) => client.listTimerEvents(...rest), question, deadlineMs),
    )
  }

  async feed(query: FeedQuery, deadlineMs: number): Promise<FeedPage> {
    return feedPageFromWire(
      await this.#ask((client, ...rest) => client.listFeed(...rest), feedQueryToWire(query), deadlineMs),
    )
  }

  async stats(tenantId: string, deadlineMs: number): Promise<TimerStats> {
    return statsFromWire(
      await this.#ask((client, ...rest) => client.stats(...rest), { tenantId }, deadlineMs),
    )
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#endWatch()
    for (const client of this.#clients.values()) client.close()
    this.#clients.clear()
    return Promise.resolve()
  }

  async #ask<Question, Reply>(
    method: Method<Question, Reply>,
    question: Question,
    deadlineMs: number,
  ): Promise<Reply> {
    const { clock, logger } = this.#deps
    let detail = 'No node of the read model is there.'
    for (const node of this.#nodesInTurn()) {
      const leftMs = deadlineMs - clock.nowMs()
      if (leftMs <= 0) break
      const reply = await call(method, this.#clientOf(node), question, Math.min(leftMs, answerWithinMs))
      if ('value' in reply) return reply.value
      const { error } = reply
      if (error.code === status.INVALID_ARGUMENT) {
        throw new RefusalError({ code: 'invalid_value', detail: error.details })
      }
      logger.warn({ error: error.message, node: node.name }, 'the read model did not answer')
      detail = 'The read model did not answer.'
    }
    throw new RefusalError({ code: 'unavailable', detail, retryAfterMs: 1000 })
  }

  /** All that live, each call beginning with another. */
  #nodesInTurn(): readonly LiveNode[] {
    const { directory, clock } = this.#deps
    const nodes = directory.live('persistence', clock.monotonicMs())
    this.#turn = nodes.length === 0 ? 0 : (this.#turn + 1) % nodes.length
    return [...nodes.slice(this.#turn), ...nodes.slice(0, this.#turn)]
  }

  #clientOf({ address }: LiveNode): TimerQueriesClient {
    let client = this.#clients.get(address)
    if (client === undefined) {
      client = new TimerQueriesClient(address, credentials.createInsecure(), channelOptions)
      this.#clients.set(address, client)
    }
    return client
  }

  #closeGone(): void {
    const { directory, clock } = this.#deps
    const live = new Set(directory.live('persistence', clock.monotonicMs()).map(({ address }) => address))
    for (const [address, client] of this.#clients) {
      if (live.has(address)) continue
      client.close()
      this.#clients.delete(address)
    }
  }
}

function call<Question, Reply>(
  method: Method<Question, Reply>,
  client: TimerQueriesClient,
  question: Question,
  withinMs: number,
): Promise<{ readonly value: Reply } | { readonly error: ServiceError }> {
  return new Promise((resolve) => {
    // gRPC's deadline is of this machine's clock: only the span is ours to say.
    const options = { deadline: Date.now() + withinMs }
    method(client, question, new Metadata(), options, (error, value) => {
      resolve(error === null ? { value } : { error })
    })
  })
}
