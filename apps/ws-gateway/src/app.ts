// ws-gateway's composition root: what is made, what it is given, and in which order it ends.

import { randomBytes, randomUUID } from 'node:crypto'
import { pause, type Clock } from '@timers/shared/clock.ts'
import { MeasuredClock } from '@timers/shared/cluster/measured-clock.ts'
import { Directory } from '@timers/shared/cluster/directory.ts'
import { openCoreClient } from '@timers/shared/grpc/open-core-client.ts'
import type { RunningApp } from '@timers/shared/lifecycle.ts'
import { createLocalOnly } from '@timers/shared/local-only.ts'
import { createLogger } from '@timers/shared/logger.ts'
import { createRegistry, measureBreakers, measureTime } from '@timers/shared/metrics.ts'
import { awaitCluster } from '@timers/shared/nats/cluster-record.ts'
import { followClusterTime } from '@timers/shared/nats/cluster-time.ts'
import { connectNats } from '@timers/shared/nats/connect.ts'
import { followConnected } from '@timers/shared/nats/connected.ts'
import { followHeartbeats, startHeartbeats } from '@timers/shared/nats/heartbeats.ts'
import { createLogReader } from '@timers/shared/nats/log-reader.ts'
import { startOpsServer, type Readiness } from '@timers/shared/ops-server.ts'
import { createSystemClock } from '@timers/shared/system-clock.ts'
import type { WsGatewayConfig } from './config.ts'
import { Hub } from './fanout/hub.ts'
import { gatewayLimits } from './fanout/limits.ts'
import { refuseUpgrade } from './http/problem.ts'
import { aboutOf, startHttpServer } from './http/server.ts'
import { Streams } from './http/stream.ts'
import { createMetrics } from './metrics.ts'
import { createFeed } from './nats/feed.ts'
import { createLog } from './nats/log.ts'
import { createTicks } from './nats/ticks.ts'
import { createReadiness, unownedAfterMs } from './readiness.ts'
import type { ConnectionDeps } from './ws/connection.ts'
import { SocketServer } from './ws/server.ts'

const role = 'ws-gateway'
const heartbeatEveryMs = 250
const deadAfterMs = 1500
/** How long viewers are given to leave when told to. */
const farewellMs = 2000
const lookAgainMs = 20
/** Without authentication everybody is the local operator. */
const caller = { tenantId: 'default', actor: { type: 'operator', id: 'local' } } as const

export async function startWsGateway(config: WsGatewayConfig): Promise<RunningApp> {
  await using stack = new AsyncDisposableStack()
  const { name } = config
  const clock = new MeasuredClock({ machine: createSystemClock() })
  const logger = createLogger({ role, name, level: config.logLevel })
  logger.warn({}, 'AUTH=off: whoever reaches this port may do everything')
  const registry = createRegistry({ role, name })
  let readiness = (): Readiness => ({ ready: false, reasons: ['starting'] })
  const ops = stack.use(await startOpsServer(config.ops, { registry, readiness: () => readiness() }))

  const connection = await connectNats({ servers: config.natsServers, name, reconnect: true }, { logger })
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
  measureBreakers(() => core.breakers(), { registry })
  const hub = stack.use(
    new Hub(
      { dataId, partitionCount, limits: gatewayLimits },
      {
        clock,
        random: Math.random,
        feed: createFeed({ connection, logger }),
        log: createLog({ reader: createLogReader({ connection }) }),
        ticks: createTicks({ gateway: name }, { connection, connected, logger }),
        core,
        directory,
        report: logger,
      },
    ),
  )

  const { sockets, streams, http } = await startEdges(config, { clock, hub, core, logger }, dataId)
  stack.use(http)
  createMetrics(hub.counts, { hub, sockets, streams, unowned }, { registry })
  function unowned(): number {
    return directory.unowned(partitionCount, unownedAfterMs, clock.monotonicMs())
  }
  let draining = false
  readiness = createReadiness({ partitionCount }, { clock, directory, connected, draining: () => draining })
  const address = new URL(http.url).host
  const incarnation = randomBytes(8).toString('hex')
  const self = { name, incarnation, role, address, dataId, owned: [], leaving: false } as const
  stack.use(startHeartbeats({ intervalMs: heartbeatEveryMs }, { connection, clock, self: () => self }))

  stack.defer(async () => {
    draining = true
    http.close()
    hub.drain()
    await untilGone(() => sockets.size + streams.size, clock)
    sockets.terminate()
  })
  const failed = new Promise<never>((_, reject) => {
    void connection.closed().then((error) => {
      if (!draining) reject(error ?? new Error('the connection to NATS was closed'))
    })
    directory.onChange(() => {
      // Another cluster's data: nothing that was known here is worth anything.
      const cores = directory.live('timer-core', clock.monotonicMs())
      if (cores.length > 0 && cores.every((core) => core.dataId !== dataId)) {
        reject(new Error(`the cluster's data is no longer ${dataId}`))
      }
    })
  })
  const owned = stack.move()
  return { name, ops: ops.url, http: http.url, failed, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Both doors for viewers, on one port. */
async function startEdges(config: WsGatewayConfig, deps: ConnectionDeps, dataId: string) {
  const check = createLocalOnly({ behind: config.behind })
  const options = { ...caller, dataId, limits: gatewayLimits }
  const sockets = new SocketServer(options, {
    ...deps,
    check,
    newConnectionId: () => `con_${randomUUID()}`,
    onBadHandshake(request, socket, detail) {
      refuseUpgrade(socket, { code: 'malformed', detail: `${detail}.` }, aboutOf(request, deps.clock))
    },
  })
  const streams = new Streams(options, { ...deps, check })
  const http = await startHttpServer(
    // Room for those who are only told that there are too many.
    { ...config.http, connectionsMost: gatewayLimits.connections + 1000 },
    { clock: deps.clock, onStream: streams.open, onSocket: sockets.upgrade },
  )
  return { sockets, streams, http }
}

async function untilGone(left: () => number, clock: Clock): Promise<void> {
  const untilMs = clock.monotonicMs() + farewellMs
  while (left() > 0 && clock.monotonicMs() < untilMs) await pause(clock, lookAgainMs)
}
