// `npm start`: finds the programs, starts the whole system, shows what runs where, keeps it running, and ends it in
// order. It must leave no process behind and never touch data that somebody else uses.

import { rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startCluster } from './cluster.ts'
import type { Cluster } from './cluster.ts'
import {
  awaitGuard,
  CannotStart,
  checkVersions,
  lockDataDirectory,
  moveAside,
  writeAtomically,
} from './data-directory.ts'
import { openLogFiles } from './log-files.ts'
import { ProcessFault } from './managed-process.ts'
import { NotUsable, provision } from './provision.ts'
import { runState, table } from './report.ts'
import type { Setting } from './report.ts'
import { supervise } from './supervisor.ts'

const say = (line: string): void => {
  console.log(line)
}

interface Arguments {
  readonly fresh: boolean
  readonly port: number
  readonly dataDirectory: string
}

function readArguments(): Arguments {
  const options = { fresh: { type: 'boolean' }, port: { type: 'string' }, data: { type: 'string' } } as const
  try {
    const { values } = parseArgs({ options })
    const port = Number(values.port ?? process.env['PORT'] ?? 3_000)
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error('a port is 1 to 65535')
    const data = resolve(values.data ?? fileURLToPath(new URL('../../../.data', import.meta.url)))
    return { fresh: values.fresh ?? false, port, dataDirectory: data }
  } catch (error) {
    throw new CannotStart(
      `${(error as Error).message}\nUsage: npm start [-- --fresh] [-- --port 3000] [-- --data .data]`,
    )
  }
}

const repeatedWithinMs = 1_000

/** Aborts when this process is asked to leave. Asked again, it ends at once, and the guard ends the rest. */
function whenAskedToLeave(): AbortSignal {
  const asked = new AbortController()
  let firstMs: number | undefined
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (firstMs === undefined) {
        firstMs = performance.now()
        say(`${signal}: stopping`)
        asked.abort()
        // A terminal's Ctrl-C may come twice: from the terminal and from an npm that passes it on.
      } else if (performance.now() - firstMs > repeatedWithinMs) process.kill(process.pid, 'SIGKILL')
    })
  return asked.signal
}

async function choose(dataDirectory: string): Promise<Setting> {
  const { NATS_URL, MONGODB_URI, LOG_SYNC = 'lazy', REPOSITORY } = process.env
  if (LOG_SYNC !== 'lazy' && LOG_SYNC !== 'always') throw new CannotStart('LOG_SYNC is lazy or always.')
  if (NATS_URL) {
    if (!(await anyAnswers(NATS_URL))) throw new CannotStart(`Nobody answers at NATS_URL=${NATS_URL}.`)
    say(`nats-server: ${NATS_URL} (NATS_URL)`)
  }
  if (MONGODB_URI) say('mongod: the one in MONGODB_URI')
  const files = REPOSITORY === 'file' && { reason: 'is not asked for: REPOSITORY=file' }
  const [natsServer, mongod] = await Promise.all([
    NATS_URL ? undefined : provision('nats-server', {}, { log: say }),
    MONGODB_URI ? undefined : files || provision('mongod', {}, { log: say }),
  ])
  if (natsServer && 'reason' in natsServer) throw new CannotStart(`There is ${natsServer.reason}.`)
  return { dataDirectory, sync: LOG_SYNC, natsServer, mongod }
}

/** Whether one of these servers, separated by commas, takes connections. */
async function anyAnswers(urls: string): Promise<boolean> {
  const answers = urls.split(',').map((url) => {
    const { hostname, port } = new URL(url.includes('://') ? url.trim() : `nats://${url.trim()}`)
    return new Promise<boolean>((resolve) => {
      const socket = connect({ host: hostname, port: Number(port || 4_222), timeout: 3_000 })
      const settle = (answered: boolean) => () => {
        socket.destroy()
        resolve(answered)
      }
      socket.once('connect', settle(true)).once('error', settle(false)).once('timeout', settle(false))
    })
  })
  return (await Promise.all(answers)).includes(true)
}

async function run(asked: AbortSignal): Promise<void> {
  const { fresh, port, dataDirectory } = readArguments()
  const startedAt = new Date()
  await using stack = new AsyncDisposableStack()
  stack.use(lockDataDirectory(dataDirectory))
  rmSync(join(dataDirectory, 'run.json'), { force: true }) // Of one that was killed: its pids are nobody's.
  await awaitGuard(dataDirectory, { say })
  const aside = fresh ? moveAside(dataDirectory, startedAt) : undefined
  if (aside !== undefined) say(`The old data is in ${aside}`)

  const setting = await choose(dataDirectory)
  const mongod = setting.mongod && 'path' in setting.mongod ? setting.mongod : undefined
  const versions = { 'nats-server': setting.natsServer?.version, mongod: mongod?.version }
  checkVersions(dataDirectory, versions, startedAt)
  const logs = stack.use(openLogFiles({ directory: join(dataDirectory, 'logs') }))
  const log = (name: string, line: string): void => {
    logs.write(name, line)
  }
  const options = {
    dataDirectory,
    port,
    natsUrl: process.env['NATS_URL'] || undefined,
    mongodbUri: process.env['MONGODB_URI'] || undefined,
    natsServer: setting.natsServer?.path,
    mongod: mongod?.path,
    sync: setting.sync,
    signal: asked,
  }
  const cluster = stack.use(await startCluster(options, { say, log }))
  if (!cluster.frontDoor.url.endsWith(`:${port}`)) say(`Port ${port} is taken: ${cluster.frontDoor.url}`)
  await keep(cluster, setting, startedAt, asked)
}

/** Keeps the cluster running, and run.json true, until somebody asks to leave or a part does not stay up. */
async function keep(cluster: Cluster, setting: Setting, startedAt: Date, asked: AbortSignal): Promise<void> {
  const path = join(setting.dataDirectory, 'run.json')
  const tell = (): void => {
    writeAtomically(path, runState(cluster, setting, startedAt))
  }
  await using stack = new AsyncDisposableStack()
  stack.defer(() => {
    rmSync(path, { force: true })
  })
  tell()
  stack.defer(cluster.owners.onChange(tell))
  const supervisor = stack.use(supervise(cluster.processes, { say, restarted: tell }))
  say(table(cluster, setting))
  const leave = new Promise<void>((resolve) => {
    if (asked.aborted) resolve()
    else
      asked.addEventListener('abort', () => {
        resolve()
      })
  })
  await Promise.race([leave, supervisor.gaveUp])
}

// A terminal that is gone cannot be told; what runs is still to be ended in order.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
const asked = whenAskedToLeave()
try {
  await run(asked)
} catch (error) {
  if (!asked.aborted) {
    process.exitCode = 1
    const isSentence = [CannotStart, NotUsable, ProcessFault].some((kind) => error instanceof kind)
    console.error(isSentence ? (error as Error).message : error)
  }
}
if (asked.aborted) say('stopped')
