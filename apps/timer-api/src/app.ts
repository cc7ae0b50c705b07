// timer-api's composition root: what there is and who gets it. No logic.

import { randomBytes } from 'node:crypto'
import { MeasuredClock } from '@timers/shared/cluster/measured-clock.ts'
import { Directory } from '@timers/shared/cluster/directory.ts'
import { nodeName } from '@timers/shared/config.ts'
import { openCoreClient } from '@timers/shared/grpc/open-core-client.ts'
import type { RunningApp } from '@timers/shared/lifecycle.ts'
import { createLogger } from '@timers/shared/logger.ts'
import { createRegistry, measureBreakers, measureTime } from '@timers/shared/metrics.ts'
import { awaitCluster } from '@timers/shared/nats/cluster-record.ts'
import { followClusterTime } from '@timers/shared/nats/cluster-time.ts'
import { connectNats } from '@timers/shared/nats/connect.ts'
import { followConnected } from '@timers/shared/nats/connected.ts'
import { followHeartbeats, startHeartbeats } from '@timers/shared/nats/heartbeats.ts'
import { startOpsServer } from '@timers/shared/ops-server.ts'
import { createSystemClock } from '@timers/shared/system-clock.ts'
import type { TimerApiConfig } from './config.ts'
import { QueryClient } from './grpc/query-client.ts'
import { createIdentify } from './http/caller.ts'
import { loadDocuments } from './http/documents.ts'
import { createIds } from './http/ids.ts'
import { createPlaces } from './http/places.ts'
import { startHttpServer } from './http/server.ts'
import { createMetrics } from './metrics.ts'
import { createViewerMessages } from './nats/viewer-messages.ts'
import { createReadiness } from './readiness.ts'

const role = 'timer-api'
const heartbeatEveryMs = 250
const deadAfterMs = 1500
const feedWaitersMost = 500

export async function startTimerApi(config: TimerApiConfig): Promise<RunningApp> {
  await using stack = new AsyncDisposableStack()
  const name = nodeName(role, config.NODE_NAME)
  const logger = createLogger({ role, name, level: config.LOG_LEVEL })
  const clock = new MeasuredClock({ machine: createSystemClock() })
  const registry = createRegistry({ role, name })
  logger.warn({}, 'AUTH=off: whoever reaches this port may do everything')

  const connection = await connectNats({ servers: config.NATS_URL, name, reconnect: true }, { logger })
  stack.defer(() => connection.close())
  const connected = followConnected(connection)
  const directory = new Directory({ deadAfterMs })
  stack.use(followHeartbeats({ connection, directory, clock, logger }))
  const { dataId, partitionCount } = await awaitCluster(connection, { clock, logger })
  await stack.use(followClusterTime({ connection, clock, logger })).known
  measureTime(clock, { registry })

  const core = stack.use(
    openCoreClient({ partitionCount }, { directory, clock, logger, random: Math.random }),
  )
  const queries = stack.use(new QueryClient({ directory, clock, logger }))
  measureBreakers(() => [...core.breakers(), ...queries.breakers()], { registry })
  const ids = createIds({ randomBytes })
  const readiness = createReadiness({ partitionCount }, { directory, clock, connected })
  const metrics = createMetrics({ inFlight: () => http.inFlight, unowned: readiness.unowned }, { registry })
  const http = stack.use(
    await startHttpServer(
      { host: config.HTTP_HOST, port: config.HTTP_PORT },
      {
        clock,
        logger,
        measure: metrics.request,
        identify: createIdentify({ behind: config.AUTH_OFF_BEHIND }),
        newRequestId: ids.requestId,
        services: {
          core,
          queries,
          clock,
          cluster: { dataId, partitionCount },
          tellViewers: createViewerMessages({ partitionCount }, { connection, connected }),
          feedWaiters: createPlaces({ most: feedWaitersMost }),
          documents: await loadDocuments(),
          newTimerId: ids.timerId,
        },
      },
    ),
  )
  const ops = stack.use(
    await startOpsServer(
      { host: config.OPS_HOST, port: config.OPS_PORT },
      { registry, readiness: readiness.now },
    ),
  )
  const self = {
    name,
    incarnation: ids.incarnation,
    role,
    address: new URL(http.url).host,
    dataId,
    owned: [],
    leaving: false,
  } as const
  stack.use(startHeartbeats({ intervalMs: heartbeatEveryMs }, { connection, clock, self: () => self }))

  const owned = stack.move()
  return { name, ops: ops.url, http: http.url, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
