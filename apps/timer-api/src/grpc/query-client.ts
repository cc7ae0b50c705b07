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
import { Breaker, type BreakerState } from '@timers/shared/cluster/breaker.ts'
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

interface Known {
  readonly name: string
  readonly client: TimerQueriesClient
  readonly breaker: Breaker
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
  readonly #nodes = new Map<string, Known>()
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

  /** Whether the nodes that were needed can be reached, by name. */
  breakers(): ReadonlyMap<string, BreakerState> {
    return new Map([...this.#nodes.values()].map(({ name, breaker }) => [name, breaker.state]))
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#endWatch()
    for (const { client } of this.#nodes.values()) client.close()
    this.#nodes.clear()
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
      const { client, breaker } = this.#known(node)
      if (!breaker.allows(clock.monotonicMs())) {
        detail = 'The read model cannot be reached.'
        continue
      }
      const reply = await call(method, client, question, Math.min(leftMs, answerWithinMs))
      if ('value' in reply) {
        breaker.succeeded()
        return reply.value
      }
      const { error } = reply
      if (isAnswer(error)) breaker.succeeded()
      else breaker.failed(clock.monotonicMs())
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

  #known({ name, address }: LiveNode): Known {
    let known = this.#nodes.get(address)
    if (known === undefined) {
      const client = new TimerQueriesClient(address, credentials.createInsecure(), channelOptions)
      known = { name, client, breaker: new Breaker() }
      this.#nodes.set(address, known)
    }
    return known
  }

  #closeGone(): void {
    const { directory, clock } = this.#deps
    const live = new Set(directory.live('persistence', clock.monotonicMs()).map(({ address }) => address))
    for (const [address, { client }] of this.#nodes) {
      if (live.has(address)) continue
      client.close()
      this.#nodes.delete(address)
    }
  }
}

/** The node has said so itself; what gRPC makes up when nobody answers has no headers. */
function isAnswer({ metadata }: ServiceError): boolean {
  return Object.keys(metadata.getMap()).length > 0
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
