// What nats-server and mongod have in common: a folder, a port, a guard, and one process that can be killed
// and started again on the same port with the same data. It listens on loopback only.

import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Program } from './archives.ts'
import { freePort } from './free-port.ts'
import { startGuard } from './guard.ts'
import type { Guard } from './guard.ts'
import { ManagedProcess } from './managed-process.ts'
import type { Supervised } from './managed-process.ts'
import { provision } from './provision.ts'

export interface RealServerOptions {
  /** Where its data is; without one it gets a folder of its own that goes with it. */
  readonly directory?: string | undefined
  /** Without one, a free port. */
  readonly port?: number | undefined
  /** Path of the program; without one it is provisioned. */
  readonly binary?: string | undefined
}

export interface RealServerDeps {
  readonly log?: (line: string) => void
  /** Without one it gets its own. */
  readonly guard?: Guard
}

export interface RealServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly directory: string
  readonly process: Supervised
  /** Of the present run; changes with restart(). */
  readonly pid: number
  stop(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
  /** Stands still (SIGSTOP), its connections open, until resume(). */
  pause(): void
  resume(): void
  /** Starts it again on the same port with the same data; stops it before if it runs. */
  restart(): Promise<void>
}

export interface Kind {
  readonly program: Program
  readonly scheme: string
  readonly readyWhen: (line: string) => true | undefined
  /** Writes its configuration, if it has one, and gives its arguments. */
  readonly argsFor: (directory: string, port: number) => readonly string[] | Promise<readonly string[]>
}

/** Resolves when it takes connections. */
export async function startRealServer(
  kind: Kind,
  options: RealServerOptions,
  deps: RealServerDeps,
): Promise<RealServer> {
  const command = options.binary ?? (await provisioned(kind.program))
  await using stack = new AsyncDisposableStack()
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), `timers-${kind.program}-`)))
  if (options.directory === undefined)
    stack.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 3 }))
  await mkdir(directory, { recursive: true })
  const guard = deps.guard ?? stack.use(startGuard())
  const start = async (port: number): Promise<ManagedProcess<true>> => {
    const args = await kind.argsFor(directory, port)
    return await ManagedProcess.start(
      { name: kind.program, command, args, kind: 'server', readyWhen: kind.readyWhen },
      { ...deps, guard },
    )
  }

  let port = options.port ?? (await freePort())
  const child = await start(port).catch(async (error: unknown) => {
    if (options.port !== undefined) throw error
    port = await freePort() // Between finding the port and using it somebody may have taken it.
    return await start(port)
  })
  stack.use(child)
  const owned = stack.move()
  return {
    url: `${kind.scheme}://127.0.0.1:${port}`,
    port,
    directory,
    process: child,
    get pid() {
      return child.pid
    },
    stop: () => child.stop(),
    kill: () => child.kill(),
    pause: () => {
      child.pause()
    },
    resume: () => {
      child.resume()
    },
    restart: () => child.restart(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function provisioned(program: Program): Promise<string> {
  const found = await provision(program)
  if ('reason' in found) throw new Error(found.reason)
  return found.path
}
