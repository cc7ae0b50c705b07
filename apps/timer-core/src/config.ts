// timer-core's configuration: which variables it takes, and their bounds.

import { hostname } from 'node:os'
import { commonShape, nodeName, portNumber, readConfig, wholeNumber } from '@timers/shared/config.ts'
import { z } from 'zod'

const shape = {
  ...commonShape,
  GRPC_HOST: z.string().default('127.0.0.1'),
  GRPC_PORT: portNumber,
  ADVERTISE_HOST: z.string().optional(),
  PARTITION_COUNT: wholeNumber(1, 1024).default(64),
  REPLICAS: wholeNumber(1, 5).default(1),
  LOG_SYNC: z.enum(['lazy', 'always'], 'must be lazy or always').default('lazy'),
}

export interface TimerCoreConfig {
  readonly name: string
  readonly natsServers: readonly string[]
  readonly ops: { readonly host: string; readonly port: number }
  readonly grpc: { readonly host: string; readonly port: number }
  /** As other nodes reach it. */
  readonly advertiseHost: string
  /** Used when the cluster is made. */
  readonly partitionCount: number
  readonly replicas: number
  /** How the broker is configured to sync its files: only said, not made so. */
  readonly sync: 'lazy' | 'always'
  readonly logLevel: string
}

export function readTimerCoreConfig(env: NodeJS.ProcessEnv): TimerCoreConfig {
  const config = readConfig(shape, env)
  const anyAddress = config.GRPC_HOST === '0.0.0.0' || config.GRPC_HOST === '::'
  return {
    name: nodeName('timer-core', config.NODE_NAME),
    natsServers: config.NATS_URL,
    ops: { host: config.OPS_HOST, port: config.OPS_PORT },
    grpc: { host: config.GRPC_HOST, port: config.GRPC_PORT },
    advertiseHost: config.ADVERTISE_HOST ?? (anyAddress ? hostname() : config.GRPC_HOST),
    partitionCount: config.PARTITION_COUNT,
    replicas: config.REPLICAS,
    sync: config.LOG_SYNC,
    logLevel: config.LOG_LEVEL,
  }
}
