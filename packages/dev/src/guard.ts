// Starts the guard: a process that holds a pipe from this one and, when the pipe closes, ends what this one
// started. So nothing is left also when this process is killed.

import { spawn } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Guard extends Disposable {
  watch(pid: number, kind: 'service' | 'server'): void
  forget(pid: number): void
}

/** `pidFile`: tells who guards, as long as there is something to be guarded. */
export function startGuard(options: { readonly pidFile?: string } = {}): Guard {
  const { pidFile } = options
  const main = fileURLToPath(new URL('guard-main.ts', import.meta.url))
  const guard = spawn(process.execPath, [main], { detached: true, stdio: ['pipe', 'ignore', 'inherit'] })
  guard.stdin.on('error', () => undefined) // Somebody killed the guard: what it watches is only less safe.
  guard.unref()
  if (pidFile !== undefined) writeFileSync(pidFile, String(guard.pid))
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
      if (pidFile !== undefined) rmSync(pidFile, { force: true })
      guard.stdin.end()
    },
  }
}
