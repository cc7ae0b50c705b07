// One of our own services as a process: `node apps/<role>/src/main.ts` with its environment. It keeps its ports
// over restarts, and leaves by itself when its stdin, a pipe from this process, ends.

import { get } from 'node:http'
import { fileURLToPath } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'
import { ManagedProcess, ProcessFault } from './managed-process.ts'
import type { ManagedProcessDeps, Supervised } from './managed-process.ts'

export type Role = 'timer-core' | 'timer-api' | 'ws-gateway' | 'persistence'

export interface ServiceOptions {
  readonly role: Role
  readonly name: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Ends the wait until it listens: the start fails. */
  readonly signal?: AbortSignal
}

export interface Service extends AsyncDisposable {
  readonly role: Role
  readonly name: string
  readonly process: Supervised
  /** Of the present run; changes with restart(). */
  readonly pid: number
  readonly ops: string
  readonly http: string | undefined
  /** host:port */
  readonly grpc: string | undefined
  /** Resolves when /readyz says 200; throws with its reasons after the deadline. */
  ready(options?: { readonly deadlineMs?: number; readonly signal?: AbortSignal | undefined }): Promise<void>
  stop(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
  /** Stands still (SIGSTOP), its connections open, until resume(). */
  pause(): void
  resume(): void
  /** Resolves when it listens again, on the same ports; ready() tells the rest. */
  restart(): Promise<void>
}

/** What a service writes in one line when everything of it listens. */
interface ReadyLine {
  readonly ready: true
  readonly ops: string
  readonly http?: string
  readonly grpc?: string
}

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Resolves when it listens. */
export async function startService(options: ServiceOptions, deps: ManagedProcessDeps): Promise<Service> {
  const { role, name } = options
  const child = await ManagedProcess.start<ReadyLine>(
    {
      name,
      command: process.execPath,
      args: [`${root}apps/${role}/src/main.ts`],
      env: (before) => ({
        NODE_COMPILE_CACHE: `${root}node_modules/.cache/node`,
        // Whatever the shell has set for other runs.
        HTTP_HOST: '127.0.0.1',
        GRPC_HOST: '127.0.0.1',
        OPS_HOST: '127.0.0.1',
        ADVERTISE_HOST: undefined,
        AUTH_OFF_BEHIND: undefined,
        ...options.env,
        NODE_NAME: name,
        EXIT_WITH_STDIN: '1',
        OPS_PORT: portOf(before?.ops),
        HTTP_PORT: portOf(before?.http),
        GRPC_PORT: portOf(before?.grpc),
      }),
      kind: 'service',
      readyWhen: readyLine,
      signal: options.signal,
    },
    deps,
  )
  return {
    role,
    name,
    process: child,
    get pid() {
      return child.pid
    },
    get ops() {
      return child.told.ops
    },
    get http() {
      return child.told.http
    },
    get grpc() {
      return child.told.grpc
    },
    ready: ({ deadlineMs = 60_000, signal } = {}) => untilReady(child, deadlineMs, signal),
    stop: () => child.stop(),
    kill: () => child.kill(),
    pause: () => {
      child.pause()
    },
    resume: () => {
      child.resume()
    },
    restart: () => child.restart(),
    [Symbol.asyncDispose]: () => child.stop(),
  }
}

function readyLine(line: string): ReadyLine | undefined {
  if (!line.startsWith('{"ready":true')) return undefined
  return JSON.parse(line) as ReadyLine
}

/** The port in `http://host:port` or `host:port`; '0', any free one, when there is none. */
function portOf(address: string | undefined): string {
  return address?.slice(address.lastIndexOf(':') + 1) ?? '0'
}

async function untilReady(
  child: ManagedProcess<ReadyLine>,
  deadlineMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const deadline = performance.now() + deadlineMs
  for (;;) {
    const answer = await readiness(child.told.ops)
    if (answer === true) return
    signal?.throwIfAborted()
    if (!child.running) throw new ProcessFault(`${child.name} ended before it was ready`, child.lastLines)
    if (performance.now() > deadline)
      throw new ProcessFault(
        `${child.name} was not ready within ${deadlineMs / 1000} s: ${answer}`,
        child.lastLines,
      )
    await delay(100) // Each question costs the service a little of what it needs to become ready.
  }
}

/** True, or what it says instead. */
function readiness(ops: string): Promise<true | string> {
  return new Promise((resolve) => {
    get(`${ops}/readyz`, { agent: false, timeout: 3_000 }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
      response.once('close', () => {
        resolve(response.statusCode === 200 ? true : `HTTP ${response.statusCode ?? '?'} ${body.trim()}`)
      })
    })
      .once('timeout', function (this: { destroy(): void }) {
        this.destroy()
      })
      .once('error', (error) => {
        resolve(error.message)
      })
  })
}
