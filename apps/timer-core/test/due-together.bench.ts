// Many timers of one node that are due together: in the same millisecond, and over one second with commands in
// between. When a subscriber of the event feed, a process of its own, has been told of each.

import { setTimeout as delay } from 'node:timers/promises'
import { bench, percentile } from '@timers/dev/bench-kit.ts'
import { FiringWatch, type Lateness } from './event-watch.ts'
import { carryOut, commandOf, put, putUntil, startNode } from './bench-world.ts'

const partitionCount = 64
const atOnce = 2000
/** Between the last creation and the first deadline. */
const restMs = 1000

await using node = await startNode({ sync: 'lazy', partitionCount })
using watch = new FiringWatch(partitionCount, node.connection)
let run = 0

/** Creates them with one deadline, or with deadlines over `spreadMs`; resolves when each has fired, once. */
async function fireTogether(
  count: number,
  spreadMs: number,
  meanwhile?: () => Promise<void>,
): Promise<Lateness> {
  // Creating them takes a part of the lead; if that was too little, the next try has more.
  for (let leadMs = 2000 + count / 10; ; leadMs *= 2) {
    run += 1
    const timerIds = Array.from({ length: count }, (_, i) => `run-${run}-${i}`)
    const dueMs = Math.ceil(Date.now() + leadMs)
    const commands = timerIds.map((id, i) => commandOf(id, putUntil(dueMs + (i % spreadMs))))
    const fired = watch.expect(timerIds)
    fired.catch(() => undefined)
    for (let i = 0; i < count; i += atOnce) await carryOut(node.client, commands.slice(i, i + atOnce))
    if (Date.now() + restMs > dueMs) {
      await fired
      continue
    }
    await delay(dueMs - Date.now() - 10)
    const [lateness] = await Promise.all([fired, meanwhile?.()])
    return lateness
  }
}

const rows = {
  p50: { unit: 'ms late' },
  most: { unit: 'ms late' },
  least: { unit: 'ms late', goal: { of: 'ours', is: '≥', value: 0 }, note: 'below 0 = early' },
  'judged-p99': { unit: 'ms late', note: 'of the firing itself, before it was stored and told' },
} as const

for (const [count, mostMs] of [
  [10_000, 150],
  [100_000, 1000],
] as const) {
  await bench({
    name: `due-together-${count}`,
    rows: { p99: { unit: 'ms late', goal: { of: 'ours', is: '≤', value: mostMs } }, ...rows },
    ours: () => fireTogether(count, 1),
  })
}

/** Commands to other timers, one each 5 ms: how long each takes while the others fire. */
async function sendCommands(took: number[], signal: AbortSignal): Promise<void> {
  const commands: Promise<void>[] = []
  for (let n = 0; !signal.aborted; n += 1) {
    const startMs = performance.now()
    commands.push(
      carryOut(node.client, [commandOf(`busy-${n % 100}`, { op: 'add', byMs: 1 })]).then(() => {
        took.push(performance.now() - startMs)
      }),
    )
    await delay(5)
  }
  await Promise.all(commands)
}

await carryOut(
  node.client,
  Array.from({ length: 100 }, (_, i) => commandOf(`busy-${i}`, put(86_400_000))),
)
await bench({
  name: 'due-in-a-second-100000',
  rows: {
    p99: { unit: 'ms late' },
    ...rows,
    'command-p50': { unit: 'ms', note: 'of commands to the same node meanwhile' },
    'command-p99': { unit: 'ms' },
  },
  async ours() {
    const took: number[] = []
    const ended = new AbortController()
    const sending: Promise<void>[] = []
    const lateness = await fireTogether(100_000, 1000, () => {
      sending.push(sendCommands(took, ended.signal))
      return Promise.resolve()
    })
    ended.abort()
    await Promise.all(sending)
    const times = Float64Array.from(took)
    return { ...lateness, 'command-p50': percentile(times, 0.5), 'command-p99': percentile(times, 0.99) }
  },
})
