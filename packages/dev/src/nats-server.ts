// A real nats-server with JetStream, for tests and for `npm start`.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startRealServer } from './real-server.ts'
import type { RealServer, RealServerDeps, RealServerOptions } from './real-server.ts'

export interface NatsServerOptions extends RealServerOptions {
  /** 'always': fsync before each acknowledgement. 'lazy' (default): a power cut may lose the tail of the log. */
  readonly sync?: 'lazy' | 'always'
  /** Bytes of the largest message; nats-server's own default is 1 MiB. */
  readonly maxPayload?: number
  /** One of a JetStream cluster. */
  readonly member?: {
    readonly name: string
    /** For the others. */
    readonly port: number
    /** Of all members, its own too. */
    readonly routePorts: readonly number[]
  }
}

/** Resolves when it takes connections and JetStream has recovered its streams. */
export function startNatsServer(
  options: NatsServerOptions = {},
  deps: RealServerDeps = {},
): Promise<RealServer> {
  const kind = {
    program: 'nats-server',
    scheme: 'nats',
    readyWhen: (line: string) => (line.endsWith('Server is ready') ? true : undefined),
    async argsFor(directory: string, port: number) {
      const path = join(directory, 'nats.conf')
      const sync = options.sync === 'always' ? { sync_interval: 'always' } : {}
      const payload = options.maxPayload === undefined ? {} : { max_payload: options.maxPayload }
      const jetstream = { store_dir: directory, ...sync }
      const server_name = options.member?.name ?? 'timers'
      const config = {
        ...{ server_name, listen: `127.0.0.1:${port}`, ...payload, jetstream },
        ...(options.member === undefined ? {} : { cluster: clusterConfig(options.member) }),
      }
      await writeFile(path, JSON.stringify(config, undefined, 2))
      return ['--config', path]
    },
  } as const
  return startRealServer(kind, options, deps)
}

/** Clients know all members already: told of them by a server, they would go round what a test puts between. */
function clusterConfig({ port, routePorts }: NonNullable<NatsServerOptions['member']>): object {
  const routes = routePorts.map((other) => `nats-route://127.0.0.1:${other}`)
  return { name: 'timers', listen: `127.0.0.1:${port}`, no_advertise: true, routes }
}
