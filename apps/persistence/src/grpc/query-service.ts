// timers.core.v1.TimerQueries: every question is checked again, and asked of the read model. What goes wrong is a
// gRPC status; nothing of a tenant's data is in its text or in the logs.

import type { handleUnaryCall } from '@grpc/grpc-js'
import { status } from '@grpc/grpc-js'
import { TimerQueriesService } from '@timers/proto/timers/core/v1/queries.ts'
import type { TimerQueriesServer } from '@timers/proto/timers/core/v1/queries.ts'
import { errorTable, RefusalError } from '@timers/shared/errors.ts'
import type { GrpcService } from '@timers/shared/grpc/serve.ts'
import type { Logger } from '@timers/shared/logger.ts'
import {
  eventPageToWire,
  feedPageToWire,
  feedQueryFromWire,
  listQueryFromWire,
  statsQueryFromWire,
  statsToWire,
  timerEventsQueryFromWire,
  timerPageToWire,
} from '@timers/shared/wire/query-wire.ts'
import { WireError } from '@timers/shared/wire/wire-error.ts'
import type { ReadModel } from '../projection/read-model.ts'
import { RepositoryUnavailableError } from '../projection/repository.ts'

interface Deps {
  readonly readModel: ReadModel
  readonly logger: Logger
  /** Called once a call, with the name of its gRPC status. */
  readonly onAnswer: (method: string, status: string, seconds: number) => void
}

export function createQueryService(deps: Deps): GrpcService {
  const { readModel } = deps
  const implementation: TimerQueriesServer = {
    listTimers: unary('ListTimers', deps, async (request) =>
      timerPageToWire(await readModel.list(listQueryFromWire(request))),
    ),
    listTimerEvents: unary('ListTimerEvents', deps, async (request) =>
      eventPageToWire(await readModel.timerEvents(timerEventsQueryFromWire(request))),
    ),
    listFeed: unary('ListFeed', deps, async (request) =>
      feedPageToWire(await readModel.feed(feedQueryFromWire(request))),
    ),
    stats: unary('Stats', deps, async (request) =>
      statsToWire(await readModel.stats(statsQueryFromWire(request).tenantId)),
    ),
  }
  return {
    name: 'timers.core.v1.TimerQueries',
    definition: TimerQueriesService,
    implementation,
  }
}

function unary<Request, Response>(
  method: string,
  { logger, onAnswer }: Deps,
  answer: (request: Request) => Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const startedAtMs = performance.now()
    const seconds = (): number => (performance.now() - startedAtMs) / 1000
    answer(call.request).then(
      (response) => {
        onAnswer(method, 'OK', seconds())
        callback(null, response)
      },
      (error: unknown) => {
        const { name, details } = toStatus(error)
        onAnswer(method, name, seconds())
        // The metric tells the others; while MongoDB is away they are as many as the questions.
        if (name === 'INTERNAL') logger.error({ error, method }, 'a query failed')
        callback({ code: status[name], details })
      },
    )
  }
}

type StatusName = keyof typeof status

function toStatus(error: unknown): { name: StatusName; details: string } {
  if (error instanceof RefusalError) {
    const { code, detail } = error.refusal
    return { name: errorTable[code].grpc, details: detail }
  }
  if (error instanceof WireError) return { name: 'INVALID_ARGUMENT', details: error.message }
  if (error instanceof RepositoryUnavailableError) return { name: 'UNAVAILABLE', details: error.message }
  return { name: 'INTERNAL', details: 'a fault of the read model' }
}
