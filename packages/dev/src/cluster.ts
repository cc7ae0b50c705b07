// The whole system as processes: nats-server, mongod, the four services, the front door. `npm start` and all
// end-to-end tests start it here; there is no second way. It must leave no process behind.

import { join } from 'node:path'
import { startFrontDoor } from './front-door.ts'
import type { FrontDoor } from './front-door.ts'
import { freePort, isFree } from './free-port.ts'
import { guardFile } from './data-directory.ts'
import { startGuard } from './guard.ts'
import type { ManagedProcessDeps, Supervised } from './managed-process.ts'
import { startMongod } from './mongod.ts'
import { startNatsServer } from './nats-server.ts'
import { followOwners } from './nats/owners.ts'
import { startNatsCluster } from './nats/nats-cluster.ts'
import type { Owners } from './nats/owners.ts'
import type { RealServer, RealServerDeps } from './real-server.ts'
import { startService } from './service.ts'
import type { Role, Service, ServiceOptions } from './service.ts'

export interface ClusterOptions {
  /** Holds nats/, mongod/ and persistence/; it stays when the cluster is disposed of. */
  readonly dataDirectory: string
  /** How many of each; 2 cores and one of each other. */
  readonly counts?: Partial<Readonly<Record<Role, number>>>
  /** The front door's port; the next free one if it is taken. Without it, any free port. */
  readonly port?: number | undefined
  /** Servers that run already; without them ours are started. */
  readonly natsUrl?: string | undefined
  readonly mongodbUri?: string | undefined
  /** Programs for ours. No mongod → persistence keeps its files. */
  readonly natsServer?: string | undefined
  readonly mongod?: string | undefined
  readonly sync?: 'lazy' | 'always'
  /** How many of ours: 3 make a JetStream cluster, and each log has three replicas. */
  readonly brokers?: 1 | 3
  /** Where the service of this name is to find its servers, when there is something between. */
  readonly serversOf?: (name: string, servers: ServerUrls) => ServerUrls | Promise<ServerUrls>
  /** For every service, on top of what the cluster itself sets. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Ends the wait: startCluster then throws, and leaves nothing. */
  readonly signal?: AbortSignal
}

export interface ServerUrls {
  readonly natsUrl: string
  readonly mongodbUri: string | undefined
}

export interface ClusterDeps {
  /** One line about what happens now. */
  readonly say?: (line: string) => void
  /** Gets the lines that the process of this name writes. */
  readonly log?: (name: string, line: string) => void
}

export interface Cluster extends AsyncDisposable {
  readonly frontDoor: FrontDoor
  readonly natsUrl: string
  /** Without one persistence keeps its files. */
  readonly mongodbUri: string | undefined
  /** Ours, if it is ours; the first of several. */
  readonly nats: RealServer | undefined
  /** All of ours. */
  readonly brokers: readonly RealServer[]
  /** The one of ours that leads this stream; undefined while none does. */
  leaderOf(stream: string): Promise<RealServer | undefined>
  readonly mongod: RealServer | undefined
  /** In the order of their start. */
  readonly services: readonly Service[]
  /** Our servers and services. */
  readonly processes: readonly Supervised[]
  readonly owners: Owners
  /** The first of a role, or the one of this number (from 1). */
  service(role: Role, number?: number): Service
}

/** Resolves when all of it is ready; throws when a part of it is not, with its last lines, and nothing left. */
export async function startCluster(options: ClusterOptions, deps: ClusterDeps = {}): Promise<Cluster> {
  await using stack = new AsyncDisposableStack()
  const guard = stack.use(startGuard({ pidFile: guardFile(options.dataDirectory) }))
  const depsOf = (name: string) => ({ guard, log: (line: string) => deps.log?.(name, line) })
  const untilEnd = <T extends AsyncDisposable>(name: string, started: T): T =>
    stack.adopt(started, async () => {
      deps.say?.(`stopping ${name}`)
      await started[Symbol.asyncDispose]()
    })

  const store = await startStore(options, depsOf('mongod'))
  if (store) untilEnd('mongod', store)
  const mongodbUri = options.mongodbUri ?? store?.uri
  const log = options.natsUrl === undefined ? await startLog(options, depsOf('nats-server')) : undefined
  if (log) untilEnd('nats-server', log)
  const natsUrl = options.natsUrl ?? log?.url ?? ''
  const brokers = log?.servers ?? []
  const owners = stack.use(await followOwners(natsUrl))

  const services = await startServices(options, { natsUrl, mongodbUri }, depsOf, untilEnd)
  const mongod = await store?.mongod
  await Promise.all(services.map((service) => service.ready({ signal: options.signal })))

  const frontDoor = untilEnd('the front door', await openFrontDoor(options, services, owners))
  const servers = mongod === undefined ? brokers : [mongod, ...brokers]
  const owned = stack.move()
  return {
    frontDoor,
    natsUrl,
    mongodbUri,
    nats: brokers[0],
    brokers,
    leaderOf: async (stream) => await log?.leaderOf(stream),
    mongod,
    services,
    processes: [...servers, ...services].map(({ process }) => process),
    owners,
    service(role, number = 1) {
      const found = services.filter((service) => service.role === role)[number - 1]
      if (found === undefined) throw new Error(`there is no ${role} ${number}`)
      return found
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** All at once; when one does not start the others are not waited for. */
async function startServices(
  options: ClusterOptions,
  servers: ServerUrls,
  depsOf: (name: string) => ManagedProcessDeps,
  untilEnd: <T extends AsyncDisposable>(name: string, started: T) => T,
): Promise<Service[]> {
  const { counts, signal } = options
  const failed = new AbortController()
  const ending = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal
  const starts = namesOf(counts).map(async (named) => {
    try {
      const env = envOf(options, (await options.serversOf?.(named.name, servers)) ?? servers)
      return await startService({ ...named, env, signal: ending }, depsOf(named.name))
    } catch (error) {
      failed.abort(error)
      throw error
    }
  })
  const services: Service[] = []
  for (const start of await Promise.allSettled(starts))
    if (start.status === 'fulfilled') services.push(untilEnd(start.value.name, start.value))
  failed.signal.throwIfAborted()
  return services
}

function envOf(
  { env, brokers = 1, sync = 'lazy', dataDirectory }: ClusterOptions,
  { natsUrl, mongodbUri }: ServerUrls,
): ServiceOptions['env'] {
  return {
    ...env,
    NATS_URL: natsUrl,
    REPLICAS: String(brokers),
    LOG_SYNC: sync,
    MONGODB_URI: mongodbUri,
    REPOSITORY: mongodbUri === undefined ? 'file' : 'mongo',
    DATA_DIR: join(dataDirectory, 'persistence'),
  }
}

interface Store extends AsyncDisposable {
  readonly uri: string
  /** When it is ready. */
  readonly mongod: Promise<RealServer>
}

/** Ours, if it is to be ours. Does not wait: mongod needs a second or more, and starts beside all the rest. */
async function startStore(options: ClusterOptions, deps: RealServerDeps): Promise<Store | undefined> {
  if (options.mongodbUri !== undefined || options.mongod === undefined) return undefined
  const port = await freePort()
  const directory = join(options.dataDirectory, 'mongod')
  const mongod = startMongod({ directory, port, binary: options.mongod }, deps)
  const settled = mongod.catch(() => undefined)
  return {
    uri: `mongodb://127.0.0.1:${port}/timers`,
    mongod,
    async [Symbol.asyncDispose]() {
      await (await settled)?.[Symbol.asyncDispose]()
    },
  }
}

interface Log extends AsyncDisposable {
  readonly url: string
  readonly servers: readonly RealServer[]
  leaderOf(stream: string): Promise<RealServer | undefined>
}

async function startLog(options: ClusterOptions, deps: RealServerDeps): Promise<Log> {
  const { natsServer, sync = 'lazy', brokers = 1 } = options
  const directory = join(options.dataDirectory, 'nats')
  if (brokers === 3) return await startNatsCluster({ directory, sync, binary: natsServer }, deps)
  const server = await startNatsServer({ directory, sync, binary: natsServer }, deps)
  return {
    url: server.url,
    servers: [server],
    leaderOf: () => Promise.resolve(server),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** What is started, in order; it ends in the opposite order. */
function namesOf(counts: ClusterOptions['counts']): { role: Role; name: string }[] {
  const order = [
    ['persistence', 1],
    ['timer-core', 2],
    ['timer-api', 1],
    ['ws-gateway', 1],
  ] as const
  return order.flatMap(([role, usual]) => {
    const count = counts?.[role] ?? usual
    const name = (index: number): string => (count === 1 ? role : `${role}-${index + 1}`)
    return Array.from({ length: count }, (_, index) => ({ role, name: name(index) }))
  })
}

async function openFrontDoor(
  options: ClusterOptions,
  services: readonly Service[],
  owners: Owners,
): Promise<FrontDoor> {
  const urlsOf = (role: Role): string[] =>
    services.flatMap((service) => (service.role === role && service.http ? [service.http] : []))
  return await startFrontDoor({
    port: options.port === undefined ? 0 : await nextFree(options.port),
    apis: urlsOf('timer-api'),
    gateways: urlsOf('ws-gateway'),
    isLive: (url) => owners.isLive(new URL(url).host),
  })
}

async function nextFree(port: number): Promise<number> {
  for (let next = port; next < port + 100 && next < 65_536; next++) if (await isFree(next)) return next
  return await freePort()
}
