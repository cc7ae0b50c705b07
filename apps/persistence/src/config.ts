// persistence's configuration: which variables it takes, and their bounds.

import { hostname } from 'node:os'
import { commonShape, nodeName, portNumber, readConfig } from '@timers/shared/config.ts'
import { z } from 'zod'

const shape = {
  ...commonShape,
  GRPC_HOST: z.string().default('127.0.0.1'),
  GRPC_PORT: portNumber,
  ADVERTISE_HOST: z.string().optional(),
  REPOSITORY: z.enum(['mongo', 'file'], 'must be mongo or file').default('mongo'),
  MONGODB_URI: z
    .string()
    .regex(/^mongodb(\+srv)?:\/\/[^/]/, 'must start with mongodb:// or mongodb+srv://')
    .default('mongodb://127.0.0.1:27017/timers'),
}

export type RepositoryConfig =
  { readonly kind: 'mongo'; readonly uri: string } | { readonly kind: 'file'; readonly directory: string }

export interface PersistenceConfig {
  readonly name: string
  readonly natsServers: readonly string[]
  readonly ops: { readonly host: string; readonly port: number }
  readonly grpc: { readonly host: string; readonly port: number }
  /** As other nodes reach it. */
  readonly advertiseHost: string
  readonly repository: RepositoryConfig
  readonly logLevel: string
}

/** Throws a ConfigError with every fault. */
export function readPersistenceConfig(env: NodeJS.ProcessEnv): PersistenceConfig {
  const isFile = env['REPOSITORY'] === 'file'
  const config = readConfig({ ...shape, DATA_DIR: isFile ? z.string() : z.string().optional() }, env)
  const anyAddress = config.GRPC_HOST === '0.0.0.0' || config.GRPC_HOST === '::'
  return {
    name: nodeName('persistence', config.NODE_NAME),
    natsServers: config.NATS_URL,
    ops: { host: config.OPS_HOST, port: config.OPS_PORT },
    grpc: { host: config.GRPC_HOST, port: config.GRPC_PORT },
    advertiseHost: config.ADVERTISE_HOST ?? (anyAddress ? hostname() : config.GRPC_HOST),
    repository:
      config.DATA_DIR === undefined || config.REPOSITORY === 'mongo'
        ? { kind: 'mongo', uri: config.MONGODB_URI }
        : { kind: 'file', directory: config.DATA_DIR },
    logLevel: config.LOG_LEVEL,
  }
}
