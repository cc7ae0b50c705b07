// A real mongod, for tests and for `npm start`.

import { startRealServer } from './real-server.ts'
import type { RealServer, RealServerDeps, RealServerOptions } from './real-server.ts'

export interface Mongod extends RealServer {
  /** The URL with the database `timers`. */
  readonly uri: string
}

/** Throws when there is no mongod to be had; tests skip when MONGOD is not set (test-setup.ts sets it). */
export async function startMongod(
  options: RealServerOptions = {},
  deps: RealServerDeps = {},
): Promise<Mongod> {
  const kind = {
    program: 'mongod',
    scheme: 'mongodb',
    readyWhen: (line: string) => (line.includes('"msg":"Waiting for connections"') ? true : undefined),
    argsFor: (directory: string, port: number) => [
      ...['--dbpath', directory, '--port', String(port), '--bind_ip', '127.0.0.1', '--nounixsocket'],
      ...['--quiet', '--wiredTigerCacheSizeGB', '0.5'],
      ...['--setParameter', 'diagnosticDataCollectionEnabled=false'],
    ],
  } as const
  const server = await startRealServer(kind, options, deps)
  return Object.defineProperties(server, {
    uri: { value: `${server.url}/timers`, enumerable: true },
  }) as Mongod
}
