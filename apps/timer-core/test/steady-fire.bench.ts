// 200 timers due a second for 20 seconds, one every 5 ms: how late a subscriber of the event feed, a process of its
// own, is told of each, against as many bare setTimeout.

import { bench, percentile } from '@timers/dev/bench-kit.ts'
import { FiringWatch, nowMs } from './event-watch.ts'
import { carryOut, commandOf, putUntil, startNode } from './bench-world.ts'

const partitionCount = 64
const everyMs = 5
const timers = 4000
const leadMs = 3000

await using node = await startNode({ sync: 'lazy', partitionCount })
using watch = new FiringWatch(partitionCount, node.connection)
let run = 0

async function fire() {
  run += 1
  const timerIds = Array.from({ length: timers }, (_, i) => `run-${run}-${i}`)
  const fired = watch.expect(timerIds)
  const firstMs = Math.ceil(nowMs()) + leadMs
  await carryOut(
    node.client,
    timerIds.map((id, i) => commandOf(id, putUntil(firstMs + i * everyMs))),
  )
  return await fired
}

async function fireTimeouts() {
  const late = new Float64Array(timers)
  const firstMs = Math.ceil(nowMs()) + leadMs
  const done = Promise.withResolvers<undefined>()
  let left = timers
  for (let i = 0; i < timers; i += 1) {
    const dueMs = firstMs + i * everyMs
    setTimeout(
      () => {
        late[i] = nowMs() - dueMs
        left -= 1
        if (left === 0) done.resolve(undefined)
      },
      Math.ceil(dueMs - nowMs()),
    )
  }
  await done.promise
  return {
    p50: percentile(late, 0.5),
    p99: percentile(late, 0.99),
    most: percentile(late, 1),
    least: percentile(late, 0),
  }
}

await bench({
  name: 'steady-fire',
  rows: {
    p50: { unit: 'ms late' },
    p99: { unit: 'ms late', goal: { of: 'ours', is: '≤', value: 5 } },
    most: { unit: 'ms late' },
    least: { unit: 'ms late', goal: { of: 'ours', is: '≥', value: 0 }, note: 'below 0 = early' },
    'judged-p99': { unit: 'ms late', note: 'of the firing itself, before it was stored and told' },
  },
  ours: fire,
  floor: fireTimeouts,
})
