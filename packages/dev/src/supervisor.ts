// Starts again what died by itself, after a second and with a line. Five deaths within a minute are a fault that
// a restart does not mend: then it gives up. It must never start again what was asked to leave.

import { setTimeout as delay } from 'node:timers/promises'
import { ProcessFault } from './managed-process.ts'
import type { Supervised } from './managed-process.ts'

export interface Supervisor extends AsyncDisposable {
  /** Rejects with the last lines of the one that does not stay up. */
  readonly gaveUp: Promise<never>
}

export interface SupervisorDeps {
  readonly say: (line: string) => void
  /** Called when something runs again. */
  readonly restarted?: () => void
  readonly now?: () => number
  readonly restartAfterMs?: number
}

const tooOften = 5
const withinMs = 60_000

/** Disposing ends the watch; what is being started again is waited for. */
export function supervise(processes: readonly Supervised[], deps: SupervisorDeps): Supervisor {
  const ending = new AbortController()
  const gaveUp = Promise.withResolvers<never>()
  gaveUp.promise.catch(() => undefined) // Whoever wants to know awaits it.
  const ended = new Promise<void>((resolve) => {
    ending.signal.addEventListener('abort', () => {
      resolve()
    })
  })
  const watches = processes.map(async (process) => {
    try {
      await watch(process, ended, ending.signal, deps)
    } catch (error) {
      gaveUp.reject(error)
    }
  })
  return {
    gaveUp: gaveUp.promise,
    async [Symbol.asyncDispose]() {
      ending.abort()
      await Promise.all(watches)
    },
  }
}

async function watch(
  process: Supervised,
  ended: Promise<void>,
  ending: AbortSignal,
  { say, restarted, now = () => performance.now(), restartAfterMs = 1_000 }: SupervisorDeps,
): Promise<void> {
  const deaths: number[] = []
  for (;;) {
    const exit = await Promise.race([process.exited, ended])
    if (exit === undefined || !exit.unexpected) return
    let how = `pid ${process.pid} ended by ${exit.signal ?? `itself, exit code ${exit.code ?? '?'}`}`
    for (let running = false; !running;) {
      deaths.push(now())
      while ((deaths[0] ?? 0) < now() - withinMs) deaths.shift()
      if (deaths.length >= tooOften)
        throw new ProcessFault(
          `${process.name} died ${deaths.length} times within a minute:`,
          process.lastLines,
        )
      say(`${process.name}: ${how}; starting it again`)
      await delay(restartAfterMs, undefined, { signal: ending }).catch(() => undefined)
      if (ending.aborted) return
      try {
        await process.restart()
        running = true
        say(`${process.name}: runs again, pid ${process.pid}`)
        restarted?.()
      } catch (error) {
        how = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
      }
    }
  }
}
