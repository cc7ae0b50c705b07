// persistence's composition root: what is made, what it is given, and in which order it ends. It listens before the
// cluster or the repository are there, and catches up when they are.

import { randomBytes } from 'node:crypto'
import type { Clock } from '@timers/shared/clock.ts'
import { MeasuredClock } from '@timers/shared/cluster/measured-clock.ts'
import { Directory } from '@timers/shared/cluster/directory.ts'
import { serveGrpc } from '@timers/shared/grpc/serve.ts'
import type { RunningApp } from '@timers/shared/lifecycle.ts'
import { createLogger } from '@timers/shared/logger.ts'
import type { Logger } from '@timers/shared/logger.ts'
import { measureTime } from '@timers/shared/metrics.ts'
import type { ClusterRecord } from '@timers/shared/nats/cluster-record.ts'
import { followClusterTime } from '@timers/shared/nats/cluster-time.ts'
import { connectNats } from '@timers/shared/nats/connect.ts'
import { followConnected } from '@timers/shared/nats/connected.ts'
import { followHeartbeats, startHeartbeats } from '@timers/shared/nats/heartbeats.ts'
import { createLogReader } from '@timers/shared/nats/log-reader.ts'
import type { LogReader } from '@timers/shared/nats/log-reader.ts'
import { startOpsServer } from '@timers/shared/ops-server.ts'
import type { Readiness } from '@timers/shared/ops-server.ts'
import { createSystemClock } from '@timers/shared/system-clock.ts'
import { queryLimits } from '@timers/shared/timer/queries.ts'
import { decodeRecord } from '@timers/shared/wire/record-wire.ts'
import type { PersistenceConfig } from './config.ts'
import { FileTimerRepository } from './file/timer-repository.ts'
import { createQueryService } from './grpc/query-service.ts'
import { createMetrics } from './metrics.ts'
import type { Metrics } from './metrics.ts'
import { Database } from './mongo/database.ts'
import { MongoTimerRepository } from './mongo/timer-repository.ts'
import { ClusterReader } from './nats/cluster-reader.ts'
import { Projection } from './projection/projection.ts'
import { ReadModel } from './projection/read-model.ts'
import type { TimerRepository } from './projection/repository.ts'

const role = 'persistence'
const beatEveryMs = 250
const deadAfterMs = 1500
/** A page of 500 timers or events, each with 4 KiB of metadata. */
const messageBytesMost = 16 * 1024 * 1024

/** So long a broker without its peers may answer as if it led them. */
const brokerBehindMs = 10_000

const reading = {
  concurrency: 16,
  lookEveryMs: 1000,
  backoff: { firstMs: 100, mostMs: 2000 },
  pullBytes: 1024 * 1024,
  pullRecords: 256,
  batchEvents: 1000,
} as const

export async function startPersistence(config: PersistenceConfig): Promise<RunningApp> {
  const { name } = config
  await using stack = new AsyncDisposableStack()
  const clock = new MeasuredClock({ machine: createSystemClock() })
  const logger = createLogger({ role, name, level: config.logLevel })
  const metrics = createMetrics(name)

  let readiness = (): Readiness => ({ ready: false, reasons: ['starting'] })
  const ops = await startOpsServer(config.ops, { registry: metrics.registry, readiness: () => readiness() })
  stack.use(ops)
  const connection = await connectNats({ servers: config.natsServers, name, reconnect: true }, { logger })
  stack.defer(() => connection.close())
  const isConnected = followConnected(connection)
  stack.use(followClusterTime({ connection, clock, logger }))
  measureTime(clock, metrics)
  const parts = { clock, logger, metrics }
  const repository = stack.use(await openRepository(config, parts))

  const directory = new Directory({ deadAfterMs })
  stack.use(followHeartbeats({ connection, directory, clock, logger }))
  const createProjection = projectionOf({ ...parts, source: createLogReader({ connection }), repository })
  const alone = config.repository.kind === 'file'
  const reader = stack.use(
    new ClusterReader({ name, alone }, { ...parts, connection, repository, directory, createProjection }),
  )
  const queries = queryService({ ...parts, repository, reader })
  const grpc = await serveGrpc(
    { ...config.grpc, services: [queries], maxMessageBytes: messageBytesMost },
    { logger },
  )
  stack.use(grpc)
  const node = { name, incarnation: randomBytes(8).toString('hex'), role, owned: [], leaving: false } as const
  const address = `${config.advertiseHost}:${grpc.port}`
  const self = () => ({ ...node, address, dataId: reader.cluster?.dataId ?? '' })
  stack.use(startHeartbeats({ intervalMs: beatEveryMs }, { connection, clock, self }))

  metrics.gauges({
    lagSeconds: () => reader.lagMs() / 1000,
    partitions: () => reader.partitions,
    repositoryReady: () => repository.health().ready,
  })
  readiness = () => {
    const faults = isConnected() ? [] : ['no connection to NATS']
    if (alone && directory.live(role, clock.monotonicMs()).some((other) => other.name !== name)) {
      faults.push('another persistence node is live: with files there may be one only')
    }
    const { ready, reasons } = repository.health()
    return { ready: ready && faults.length === 0, reasons: [...faults, ...reasons] }
  }
  const owned = stack.move()
  return {
    name,
    ops: ops.url,
    grpc: grpc.address,
    failed: reader.failed,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

interface Parts {
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
}

async function openRepository(
  { repository, name }: PersistenceConfig,
  { clock, logger, metrics }: Parts,
): Promise<TimerRepository> {
  if (repository.kind === 'mongo') {
    return new MongoTimerRepository(new Database({ uri: repository.uri, name }, { logger }))
  }
  return await FileTimerRepository.open(repository, {
    clock,
    logger,
    onSaveFailure: () => {
      metrics.saveFailures.inc()
    },
  })
}

function projectionOf(
  parts: Parts & { readonly source: LogReader; readonly repository: TimerRepository },
): (cluster: ClusterRecord) => Projection {
  const { metrics, logger } = parts
  const deps = {
    ...parts,
    decode: decodeRecord,
    random: Math.random,
    observer: {
      applied: metrics.applied,
      poisoned(partition: number, sequence: number, reason: string) {
        logger.error({ partition, sequence, reason }, 'a record was set aside')
      },
      rebuilding(partition: number, why: string, first: number) {
        metrics.rebuilds.inc({ why })
        logger[why === 'new' ? 'debug' : 'warn']({ partition, why, first }, 'building the documents anew')
      },
      failed(partition: number, error: unknown, retryInMs: number) {
        metrics.failures.inc()
        logger.warn({ partition, error, retryInMs }, 'a step of the projection failed')
      },
    },
  }
  return ({ dataId, partitionCount, replicas }) => {
    const doubtMs = replicas === 1 ? 0 : brokerBehindMs
    return new Projection({ ...reading, dataId, partitionCount, doubtMs }, deps)
  }
}

function queryService(
  parts: Parts & { readonly repository: TimerRepository; readonly reader: ClusterReader },
): ReturnType<typeof createQueryService> {
  const { metrics, logger, reader } = parts
  const readModel = new ReadModel(
    { atLeastWaitMs: queryLimits.atLeastWaitMs, positionsAgeMs: 25, waitingMost: 1000 },
    { ...parts, cluster: () => reader.cluster },
  )
  const onAnswer = (method: string, status: string, seconds: number): void => {
    metrics.queries.observe({ method, status }, seconds)
  }
  return createQueryService({ readModel, logger, onAnswer })
}
