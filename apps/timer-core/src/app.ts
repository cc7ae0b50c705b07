// timer-core's composition root: what is made, what it is given, and in which order it ends.

import { randomBytes } from 'node:crypto'
import type { Clock } from '@timers/shared/clock.ts'
import { MeasuredClock } from '@timers/shared/cluster/measured-clock.ts'
import { Directory, type NodeState } from '@timers/shared/cluster/directory.ts'
import type { Tick } from '@timers/shared/cluster/live.ts'
import { coreMessageBytes } from '@timers/shared/grpc/grpc-channel.ts'
import { serveGrpc } from '@timers/shared/grpc/serve.ts'
import type { RunningApp } from '@timers/shared/lifecycle.ts'
import { createLogger, type Logger } from '@timers/shared/logger.ts'
import type { ClusterRecord } from '@timers/shared/nats/cluster-record.ts'
import { followClusterTime } from '@timers/shared/nats/cluster-time.ts'
import { connectNats } from '@timers/shared/nats/connect.ts'
import { followHeartbeats, startHeartbeats, type Heartbeats } from '@timers/shared/nats/heartbeats.ts'
import { measureTime } from '@timers/shared/metrics.ts'
import { startOpsServer } from '@timers/shared/ops-server.ts'
import { createSystemClock } from '@timers/shared/system-clock.ts'
import { createPacking } from '@timers/shared/wire/timer-wire.ts'
import type { TimerCoreConfig } from './config.ts'
import { GrpcPeers } from './grpc/peers.ts'
import { timerCoreService } from './grpc/timer-core-service.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { EventLogs } from './nats/event-log.ts'
import { followWatchLists, sendTicksOn } from './nats/live.ts'
import { LogConnection } from './nats/log-connection.ts'
import { openCluster } from './nats/open-cluster.ts'
import { createSnapshotParts } from './nats/snapshot-store.ts'
import { Partition } from './partition/partition.ts'
import { Turns } from './partition/turns.ts'
import { Host } from './placement/host.ts'
import type { Peers } from './placement/peers.ts'
import type { SnapshotParts } from './snapshot/keeper.ts'
import { Ticker } from './ticks/ticker.ts'

const heartbeatMs = 250
const deadAfterMs = 1500
/** A partition whose owner was not heard for so long counts as unowned. */
const unownedAfterMs = 5000

export async function startTimerCore(config: TimerCoreConfig): Promise<RunningApp> {
  await using stack = new AsyncDisposableStack()
  const { name } = config
  const clock = new MeasuredClock({ machine: createSystemClock() })
  const logger = createLogger({ role: 'timer-core', name, level: config.logLevel })
  const metrics = createMetrics(name)
  let notReady = ['starting']
  let readiness = (): string[] => notReady
  const ops = stack.use(
    await startOpsServer(config.ops, {
      registry: metrics.registry,
      readiness: () => ({ ready: readiness().length === 0, reasons: readiness() }),
    }),
  )

  const live = await connectNats({ servers: config.natsServers, name, reconnect: true }, { logger })
  stack.defer(() => live.close())
  const cluster = await openCluster(config, { connection: live, logger })
  await stack.use(followClusterTime({ connection: live, clock, logger })).known
  measureTime(clock, metrics)
  notReady = []
  const directory = new Directory({ deadAfterMs })
  stack.use(followHeartbeats({ connection: live, directory, clock, logger }))

  let address = ''
  let heartbeats: Heartbeats | undefined
  const incarnation = randomBytes(8).toString('hex')
  const { dataId, partitionCount } = cluster
  const self = (): NodeState => {
    return { name, incarnation, role: 'timer-core', address, dataId, ...host.said() }
  }
  const logs = new LogConnection(
    { servers: config.natsServers, name: `${name}-log` },
    {
      logger,
      random: Math.random,
      opened: (connection) =>
        (heartbeats = startHeartbeats({ intervalMs: heartbeatMs }, { connection, clock, self })),
    },
  )
  const snapshots = await openSnapshots(config, cluster, logger, stack)
  const peers = stack.use(new GrpcPeers())
  const sendTicks = sendTicksOn(live)
  const parts = { config, cluster, clock, logger, metrics, directory, logs, snapshots, peers, sendTicks }
  const { host, ticker } = createHost(parts, () => heartbeats?.now())
  stack.use(
    followWatchLists({
      connection: live,
      logger,
      heard: (partition, list) => {
        ticker.watch(partition, list)
      },
    }),
  )
  stack.defer(() => {
    ticker.stop()
  })
  const services = [timerCoreService({ host, clock, partitionCount })]
  const grpc = stack.use(
    await serveGrpc({ ...config.grpc, maxMessageBytes: coreMessageBytes, services }, { logger }),
  )
  address = `${config.advertiseHost}:${grpc.port}`
  stack.use(logs)
  await logs.open()
  readiness = () => (logs.id === 0 ? ['no connection to NATS'] : [])
  stack.use(host)
  host.start()
  const owned = stack.move()
  return { name, ops: ops.url, grpc: grpc.address, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** On a connection of their own: an append never waits behind a snapshot. */
async function openSnapshots(
  { name, natsServers }: TimerCoreConfig,
  cluster: ClusterRecord,
  logger: Logger,
  stack: AsyncDisposableStack,
): Promise<SnapshotParts> {
  const options = { servers: natsServers, name: `${name}-snapshots`, reconnect: true }
  const connection = await connectNats(options, { logger })
  stack.defer(() => connection.close())
  return createSnapshotParts(cluster, { connection })
}

interface HostParts {
  readonly config: TimerCoreConfig
  readonly cluster: ClusterRecord
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly sendTicks: (partition: number, ticks: readonly Tick[]) => void
  readonly directory: Directory
  readonly logs: LogConnection
  readonly snapshots: SnapshotParts
  readonly peers: Peers
}

/** The partitions of this node, and the ticks of their timers. */
function createHost(parts: HostParts, changed: () => void): { host: Host; ticker: Ticker } {
  const { config, cluster, clock, logger, metrics, directory } = parts
  const { dataId, partitionCount } = cluster
  const logs = new EventLogs(parts.logs)
  // Asked once: there is a line for each event.
  const traced = config.logLevel === 'debug'
  const observer = {
    ...metrics.observe,
    trouble(partition: number, message: string, detail: string) {
      metrics.troubles.inc()
      logger.warn({ partition, detail }, message)
    },
  }
  const turns = new Turns({ clock })
  const packing = createPacking()
  const ticker = new Ticker({
    clock,
    timerOf: (partition, tenantId, timerId) => host.serving(partition)?.state.get(tenantId, timerId),
    send: parts.sendTicks,
  })
  const host = new Host(
    { node: config.name, partitionCount },
    {
      directory,
      clock,
      peers: parts.peers,
      changed,
      open: (partition, tenancy) =>
        new Partition(
          { partition, partitionCount, dataId, node: config.name },
          {
            log: logs.logOf(partition),
            clock,
            turns,
            random: Math.random,
            newTerm: () => randomBytes(8).toString('hex'),
            packing,
            snapshots: parts.snapshots,
            observer,
            ...tenancy,
            applied: (event) => {
              ticker.applied(event)
              if (traced)
                logger.debug({ partition, type: event.type, requestId: event.cause.requestId }, 'applied')
            },
          },
        ),
    },
  )
  metrics.gauges({
    owned: () => host.owned().length,
    unowned: () => directory.unowned(partitionCount, unownedAfterMs, clock.monotonicMs()),
    overdue: () => host.overdue(),
    logRatio: () => host.logRatio(),
    waiting: () => host.waiting(),
    watched: () => ticker.size,
  })
  return { host, ticker }
}
