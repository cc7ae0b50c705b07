// One program as a process of its own group: started until it says it is ready, stopped, killed, paused, started
// again with the same arguments. It must never outlive its starter: each is told to a guard.

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Guard } from './guard.ts'

export interface ManagedProcessOptions<Told> {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** On top of this process's own; `before` is what it told in its last run. */
  readonly env?: (before: Told | undefined) => Readonly<Record<string, string | undefined>>
  /** 'service': leaves by itself when its stdin ends. 'server': a foreign program that needs a signal. */
  readonly kind: 'service' | 'server'
  /** Looks at each line it writes; anything but undefined means that it is ready, and what it told. */
  readonly readyWhen: (line: string) => Told | undefined
  readonly readyDeadlineMs?: number
  readonly stopDeadlineMs?: number
  /** Ends the wait until it is ready: the start fails, and it is killed. */
  readonly signal?: AbortSignal | undefined
}

export interface ManagedProcessDeps {
  readonly guard: Guard
  /** Gets every line that the program writes. */
  readonly log?: (line: string) => void
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** False when stop() or kill() asked for it. */
  readonly unexpected: boolean
}

/** What a supervisor needs of one. */
export type Supervised = Pick<ManagedProcess, 'name' | 'pid' | 'exited' | 'lastLines' | 'restart'>

/** A program did not start, or does not stay up; the message has its last lines. */
export class ProcessFault extends Error {
  constructor(message: string, lastLines: readonly string[]) {
    super([message, ...lastLines].join('\n  '))
    this.name = 'ProcessFault'
  }
}

const keptLines = 20

export class ManagedProcess<Told = unknown> implements AsyncDisposable {
  readonly name: string
  readonly #options: ManagedProcessOptions<Told>
  readonly #deps: ManagedProcessDeps
  readonly #lastLines: string[] = []
  #child: ChildProcess | undefined
  #told: Told | undefined
  #exited: Promise<Exit> = Promise.resolve({ code: null, signal: null, unexpected: false })
  #running = false
  #asked = false

  private constructor(options: ManagedProcessOptions<Told>, deps: ManagedProcessDeps) {
    this.name = options.name
    this.#options = options
    this.#deps = deps
  }

  /** Resolves when the program is ready; throws, with its last lines, when it ends or is silent before. */
  static async start<Told>(
    options: ManagedProcessOptions<Told>,
    deps: ManagedProcessDeps,
  ): Promise<ManagedProcess<Told>> {
    const started = new ManagedProcess(options, deps)
    await started.#run()
    return started
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  get running(): boolean {
    return this.#running
  }

  /** What it told when it became ready. */
  get told(): Told {
    if (this.#told === undefined) throw new Error(`${this.name} has not told anything`)
    return this.#told
  }

  /** Of the present run, or of the last one when it is not running. Never rejects. */
  get exited(): Promise<Exit> {
    return this.#exited
  }

  get lastLines(): readonly string[] {
    return this.#lastLines
  }

  /** Asks it to leave; after its deadline it is killed. */
  async stop(): Promise<void> {
    if (!this.#running) return
    this.#asked = true
    this.#child?.kill('SIGCONT')
    this.#child?.kill('SIGTERM')
    const deadlineMs = this.#options.stopDeadlineMs ?? 10_000
    const timer = setTimeout(() => {
      this.#deps.log?.(`still there ${deadlineMs / 1000} s after SIGTERM: killed`)
      this.#child?.kill('SIGKILL')
    }, deadlineMs)
    await this.#exited
    clearTimeout(timer)
  }

  /** SIGKILL, as a crash of the machine would: nothing is flushed or said goodbye to. */
  async kill(): Promise<void> {
    if (!this.#running) return
    this.#asked = true
    this.#child?.kill('SIGKILL')
    await this.#exited
  }

  /** SIGSTOP: it stands still, its connections stay open. */
  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  /** Stops it if it runs, and starts it again with the same arguments. */
  async restart(): Promise<void> {
    await this.stop()
    await this.#run()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #run(): Promise<void> {
    const { name, command, args, env, kind, readyWhen, signal, readyDeadlineMs = 30_000 } = this.#options
    this.#asked = false
    this.#lastLines.length = 0
    const child = spawn(command, args, {
      detached: true, // A Ctrl-C in the terminal reaches only the starter, which ends all in order.
      stdio: [kind === 'service' ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env?.(this.#told) },
    })
    this.#child = child
    this.#exited = new Promise((resolve) => {
      const ended = (code: number | null, signal: NodeJS.Signals | null): void => {
        this.#running = false
        if (child.pid !== undefined) this.#deps.guard.forget(child.pid)
        resolve({ code, signal, unexpected: !this.#asked })
      }
      child.once('exit', ended)
      child.once('error', (error) => {
        this.#keep(error.message)
        if (child.pid === undefined) ended(null, null)
      })
    })
    if (child.pid !== undefined) {
      this.#running = true
      this.#deps.guard.watch(child.pid, kind)
    }
    child.stdin?.on('error', () => undefined) // It ended first; its exit is what counts.

    const ready = Promise.withResolvers<Told>()
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue
      createInterface({ input: stream }).on('line', (line) => {
        this.#keep(line)
        const told = readyWhen(line)
        if (told !== undefined) ready.resolve(told)
      })
    }
    const timer = setTimeout(() => {
      ready.reject(new Error(`${name} was not ready within ${readyDeadlineMs / 1000} s`))
    }, readyDeadlineMs)
    void this.#exited.then(({ code, signal }) => {
      ready.reject(new Error(`${name} ended before it was ready (${signal ?? `exit code ${code ?? '?'}`})`))
    })
    const aborted = (): void => {
      ready.reject(new Error(`${name} is not wanted any more`))
    }
    signal?.addEventListener('abort', aborted)
    if (signal?.aborted) aborted()
    try {
      this.#told = await ready.promise
    } catch (error) {
      await this.kill()
      throw new ProcessFault((error as Error).message, this.#lastLines)
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', aborted)
    }
  }

  #keep(line: string): void {
    this.#deps.log?.(line)
    this.#lastLines.push(line)
    if (this.#lastLines.length > keptLines) this.#lastLines.shift()
  }
}
