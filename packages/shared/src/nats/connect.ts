// A connection to NATS: waits for the first, notices a dead peer within six seconds, and either comes
// back for ever or, where a new connection must be a new beginning, never.

import { connect, type NatsConnection, type Status } from '@nats-io/transport-node'
import { setTimeout as delay } from 'node:timers/promises'
import { backoffMs } from '../backoff.ts'
import type { Logger } from '../logger.ts'

const firstWithinMs = 60_000
const dialWithinMs = 2000
const between = { firstMs: 100, mostMs: 1000 }

/** `reconnect: false`: the connection closes with its first loss. Throws when there is none within 60 s. */
export async function connectNats(
  options: { servers: readonly string[]; name: string; reconnect: boolean },
  deps: { logger: Logger },
): Promise<NatsConnection> {
  const logger = deps.logger.child({ connection: options.name, servers: options.servers })
  const startedAtMs = performance.now()
  for (let attempt = 0; ; attempt += 1) {
    try {
      const connection = await connect({
        servers: [...options.servers],
        name: options.name,
        timeout: dialWithinMs,
        pingInterval: 2000,
        maxPingOut: 2,
        reconnect: options.reconnect,
        maxReconnectAttempts: -1,
        ignoreAuthErrorAbort: true,
        reconnectDelayHandler: () => backoffMs(between, 2, Math.random),
        // A stack for each request costs more than the request.
        noAsyncTraces: true,
      })
      void logStatus(connection, logger)
      return connection
    } catch (error) {
      if (performance.now() - startedAtMs > firstWithinMs) {
        throw new Error(`no NATS server answered at ${options.servers.join(', ')}`, { cause: error })
      }
      if (attempt === 0) logger.warn({ error }, 'waiting for NATS')
      await delay(backoffMs(between, attempt, Math.random))
    }
  }
}

async function logStatus(connection: NatsConnection, logger: Logger): Promise<void> {
  for await (const status of connection.status()) logOne(status, logger)
}

function logOne(status: Status, logger: Logger): void {
  switch (status.type) {
    case 'disconnect':
    case 'staleConnection':
    case 'ldm':
      logger.warn({ status: status.type }, 'NATS connection lost or going')
      break
    case 'error':
      logger.warn({ error: status.error }, 'NATS said no')
      break
    case 'reconnect':
    case 'close':
      logger.info({ status: status.type }, 'NATS connection changed')
      break
    case 'reconnecting':
    case 'update':
    case 'ping':
    case 'slowConsumer':
    case 'forceReconnect':
      break
  }
}
