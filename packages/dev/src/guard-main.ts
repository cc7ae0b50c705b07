// The guard's process. It reads `service <pid>`, `server <pid>` and `gone <pid>` from its stdin. When that
// ends, services have left by the end of their own stdin, or get killed; then the servers are ended.

import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'

const watched = new Map<number, string>()

async function end(kind: string, first: NodeJS.Signals | undefined, graceMs: number): Promise<void> {
  const pids = [...watched].filter(([, is]) => is === kind).map(([pid]) => pid)
  if (first) for (const pid of pids) signal(pid, first)
  const deadline = performance.now() + graceMs
  while (performance.now() < deadline && pids.some((pid) => signal(pid, 0))) await delay(20)
  for (const pid of pids) signal(pid, 'SIGKILL')
}

/** Whether there was such a process. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [word = '', digits] = line.split(' ')
  if (word === 'gone') watched.delete(Number(digits))
  else watched.set(Number(digits), word)
}
await end('service', undefined, 1_500)
await end('server', 'SIGTERM', 1_000)
