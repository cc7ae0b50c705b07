// A million timers in the deadline queue, against as many bare setTimeout.

import { bench, percentile, usedBytes } from '@timers/dev/bench-kit.ts'
import { createSystemClock } from '@timers/shared/system-clock.ts'
import { Alarm } from './alarm.ts'
import { DeadlineQueue } from './deadline-queue.ts'

const timers = 1_000_000
const capacity = 2 ** 20

/** Milliseconds with fractions, so that "early" and "late" are seen below one. */
const nowMs = (): number => performance.timeOrigin + performance.now()

const ignore = (): void => undefined

interface Insertion {
  readonly inserts: number
  readonly bytes: number
}

function insertIntoQueue(delayOf: () => number): Insertion {
  const delays = Float64Array.from({ length: timers }, delayOf)
  const bytesBefore = usedBytes()
  const queue = new DeadlineQueue({ capacity })
  const startMs = nowMs()
  for (let i = 0; i < timers; i++) queue.schedule(startMs + (delays[i] ?? 0))
  const tookMs = nowMs() - startMs
  const bytes = usedBytes() - bytesBefore
  return measured(queue.size, delays, tookMs, bytes)
}

function insertTimeouts(delayOf: () => number): Insertion {
  const delays = Float64Array.from({ length: timers }, delayOf)
  // Made before: what is counted are the timers, not what the caller keeps of them.
  const handles = Array.from<NodeJS.Timeout | undefined>({ length: timers }).fill(undefined)
  const bytesBefore = usedBytes()
  const startMs = nowMs()
  for (let i = 0; i < timers; i++) handles[i] = setTimeout(ignore, delays[i])
  const tookMs = nowMs() - startMs
  const bytes = usedBytes() - bytesBefore
  for (const handle of handles) clearTimeout(handle)
  return measured(handles.length, delays, tookMs, bytes)
}

/** Takes `delays` so that they live until the bytes are counted, as they did before. */
function measured(size: number, delays: Float64Array, tookMs: number, bytes: number): Insertion {
  return { inserts: (delays.length / tookMs) * 1000, bytes: bytes / size }
}

const insertionRows = {
  inserts: { unit: '/s', goal: { of: 'ratio', is: '≥', value: 5 } },
  bytes: { unit: 'B', goal: { of: 'ratio', is: '≤', value: 0.2 } },
} as const

const withinAnHour = (): number => Math.ceil(Math.random() * 3_600_000)
await bench({
  name: 'deadline-queue',
  rows: insertionRows,
  ours: () => insertIntoQueue(withinAnHour),
  floor: () => insertTimeouts(withinAnHour),
})

await bench({
  name: 'deadline-queue-same-delay',
  rows: {
    inserts: { unit: '/s', note: 'the best case of setTimeout: one list, appended to' },
    bytes: { unit: 'B' },
  },
  ours: () => insertIntoQueue(() => 60_000),
  floor: () => insertTimeouts(() => 60_000),
})

// All of them due within five seconds, at random; the first when all are surely inserted.
const leadMs = 8000
const spreadMs = 5000

interface Lateness {
  readonly p50: number
  readonly p99: number
  readonly least: number
}

function latenessOf(late: Float64Array): Lateness {
  return { p50: percentile(late, 0.5), p99: percentile(late, 0.99), least: percentile(late, 0) }
}

function randomDeadlines(): Float64Array {
  const firstMs = Math.ceil(nowMs()) + leadMs
  return Float64Array.from({ length: timers }, () => firstMs + Math.floor(Math.random() * spreadMs))
}

/** How late a lone timer is: what the machine itself adds. */
async function loneLateness(untilMs: number): Promise<number> {
  const late: number[] = []
  while (nowMs() < untilMs) {
    const dueMs = nowMs() + 5
    await new Promise((resolve) => setTimeout(resolve, 5))
    late.push(nowMs() - dueMs)
  }
  return percentile(Float64Array.from(late), 0.99)
}

async function fireFromQueue(): Promise<Lateness & { 'lone-p99': number }> {
  const deadlines = randomDeadlines()
  const late = new Float64Array(timers)
  const queue = new DeadlineQueue({ capacity })
  // The n-th has handle n, for none has been given back.
  for (const deadlineMs of deadlines) queue.schedule(deadlineMs)
  const fired = Promise.withResolvers<undefined>()
  const out: number[] = []
  const alarm = new Alarm({
    clock: { ...createSystemClock(), nowMs },
    onDue: () => {
      do {
        out.length = 0
        const atMs = nowMs()
        queue.popDue(atMs, 1000, out)
        for (const handle of out) late[handle] = atMs - (deadlines[handle] ?? NaN)
      } while (out.length > 0)
      alarm.set(queue.earliestMs)
      if (queue.size === 0) fired.resolve(undefined)
    },
  })
  alarm.set(queue.earliestMs)
  const lone = await loneLateness(queue.earliestMs - 50)
  await fired.promise
  return { ...latenessOf(late), 'lone-p99': lone }
}

async function fireTimeouts(): Promise<Lateness> {
  const deadlines = randomDeadlines()
  const late = new Float64Array(timers)
  const fired = Promise.withResolvers<undefined>()
  let left = timers
  const fire = (i: number): void => {
    late[i] = nowMs() - (deadlines[i] ?? NaN)
    if (--left === 0) fired.resolve(undefined)
  }
  for (let i = 0; i < timers; i++) setTimeout(fire, Math.ceil((deadlines[i] ?? NaN) - nowMs()), i)
  await fired.promise
  return latenessOf(late)
}

await bench({
  name: 'deadline-queue-firing',
  rows: {
    p50: { unit: 'ms late' },
    p99: { unit: 'ms late', goal: { of: 'ours', is: '≤', value: 2 } },
    least: { unit: 'ms late', goal: { of: 'ours', is: '≥', value: 0 }, note: 'below 0 = early' },
    'lone-p99': { unit: 'ms late', note: 'a lone timer just before: what the machine itself adds' },
  },
  ours: fireFromQueue,
  floor: fireTimeouts,
})
