// ws-gateway's configuration: which variables it takes, and their bounds.

import { z } from 'zod'
import { commonShape, ConfigError, nodeName, portNumber, readConfig } from '@timers/shared/config.ts'
import { localOnlyFaults } from '@timers/shared/local-only.ts'

const shape = {
  ...commonShape,
  HTTP_HOST: z.string().optional(),
  HTTP_PORT: portNumber,
  AUTH: z.enum(['off'], 'must be off').default('off'),
  AUTH_OFF_BEHIND: z.string().optional(),
}

export interface WsGatewayConfig {
  readonly name: string
  readonly natsServers: readonly string[]
  readonly ops: { readonly host: string; readonly port: number }
  readonly http: { readonly host: string; readonly port: number }
  /** AUTH_OFF_BEHIND: one more Host to be served, that of a proxy. */
  readonly behind: string | undefined
  readonly logLevel: string
}

/** Throws a ConfigError with every fault. Behind a named proxy it listens everywhere, else on loopback. */
export function readWsGatewayConfig(env: NodeJS.ProcessEnv): WsGatewayConfig {
  const given = readConfig(shape, env)
  const behind = given.AUTH_OFF_BEHIND
  const host = given.HTTP_HOST ?? (behind === undefined ? '127.0.0.1' : '0.0.0.0')
  const faults = localOnlyFaults({ ...given, HTTP_HOST: host, AUTH_OFF_BEHIND: behind })
  if (faults.length > 0) throw new ConfigError(faults)
  return {
    name: nodeName('ws-gateway', given.NODE_NAME),
    natsServers: given.NATS_URL,
    ops: { host: given.OPS_HOST, port: given.OPS_PORT },
    http: { host, port: given.HTTP_PORT },
    behind,
    logLevel: given.LOG_LEVEL,
  }
}
