// Starts the guard: a process that holds a pipe from this one and, when the pipe closes, ends what this one
// started. So nothing is left also when this process is killed.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Guard extends Disposable {
  watch(pid: number, kind: 'service' | 'server'): void
  forget(pid: number): void
}

export function startGuard(): Guard {
  const main = fileURLToPath(new URL('guard-main.ts', import.meta.url))
  const guard = spawn(process.execPath, [main], { detached: true, stdio: ['pipe', 'ignore', 'inherit'] })
  guard.stdin.on('error', () => undefined) // Somebody killed the guard: what it watches is only less safe.
  guard.unref()
  const write = (line: string): void => {
    guard.stdin.write(`${line}\n`)
  }
  return {
    watch(pid, kind) {
      write(`${kind} ${pid}`)
    },
    forget(pid) {
      write(`gone ${pid}`)
    },
    [Symbol.dispose]() {
      guard.stdin.end()
    },
  }
}
