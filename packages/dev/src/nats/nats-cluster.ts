// Three real nats-servers as one JetStream cluster on loopback, for tests of replicated logs and for chaos runs.
// It is there when JetStream answers and all three have found each other.

import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { createLogger } from '@timers/shared/logger.ts'
import { connectNats } from '@timers/shared/nats/connect.ts'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../free-port.ts'
import { startNatsServer, type NatsServerOptions } from '../nats-server.ts'
import type { RealServer, RealServerDeps } from '../real-server.ts'

export interface NatsCluster extends AsyncDisposable {
  /** All of them, as NATS_URL takes it. */
  readonly url: string
  readonly servers: readonly RealServer[]
  /** The one that leads this stream; undefined while none does, or nobody answers. */
  leaderOf(stream: string): Promise<RealServer | undefined>
}

export interface NatsClusterOptions extends Pick<NatsServerOptions, 'sync' | 'binary'> {
  /** Holds a folder for each; without one their data goes with the cluster. */
  readonly directory?: string
}

const names = ['nats-1', 'nats-2', 'nats-3']
const usableWithinMs = 30_000
const callMs = 2000

/** Resolves when streams can be made; throws when they cannot within 30 s, with nothing left. */
export async function startNatsCluster(
  options: NatsClusterOptions = {},
  deps: RealServerDeps = {},
): Promise<NatsCluster> {
  await using stack = new AsyncDisposableStack()
  const { directory, ...rest } = options
  const routePorts = await Promise.all(names.map(() => freePort()))
  const starts = names.map((name, index) => {
    const own = directory === undefined ? {} : { directory: `${directory}/${name}` }
    const member = { name, port: routePorts[index] ?? 0, routePorts }
    return startNatsServer({ ...rest, ...own, member }, deps)
  })
  for (const started of await Promise.allSettled(starts))
    if (started.status === 'fulfilled') stack.use(started.value)
  const servers = await Promise.all(starts)
  const url = servers.map((server) => server.url).join(',')
  const logger = createLogger({ role: 'starter', name: 'starter', level: 'silent' })
  const connection = await connectNats(
    { servers: url.split(','), name: 'starter', reconnect: true },
    { logger },
  )
  stack.defer(() => connection.close())
  await untilUsable(connection)
  const owned = stack.move()
  return {
    url,
    servers,
    leaderOf: async (stream) => servers[names.indexOf((await leaderName(connection, stream)) ?? '')],
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** A stream of three replicas is made, and goes. */
async function untilUsable(connection: NatsConnection): Promise<void> {
  const untilMs = performance.now() + usableWithinMs
  for (;;) {
    try {
      const { streams } = await jetstreamManager(connection, { timeout: callMs })
      await streams.add({ name: 'usable', subjects: ['usable'], num_replicas: names.length })
      await streams.delete('usable')
      return
    } catch (error) {
      if (performance.now() > untilMs) throw error
      await delay(100)
    }
  }
}

async function leaderName(connection: NatsConnection, stream: string): Promise<string | undefined> {
  try {
    const { streams } = await jetstreamManager(connection, { timeout: callMs, checkAPI: false })
    return (await streams.info(stream)).cluster?.leader
  } catch {
    return undefined
  }
}
