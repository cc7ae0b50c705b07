// NATS out of everybody's reach: for ten seconds with timers due in them and after them, and for long with an eye on
// the memory of every service. Nothing is poked afterwards; what is due fires by itself.

import { setTimeout as delay } from 'node:timers/promises'
import type { Outcome } from '../ledger.ts'
import { untilAllServed } from './probe.ts'
import type { Stage } from './rounds.ts'
import type { ChaosWorld } from './world.ts'

const shortMs = 10_000
const inIt = Array.from({ length: 14 }, (_, i) => 2000 + i * 500)
/** From when on they are on time: connections come back within a second, logs are read and taken. */
const backWithinMs = 5000
const after = Array.from({ length: 14 }, (_, i) => shortMs + backWithinMs + i * 500)
export const onTimeMs = 1000
const sampleMs = 2000
/** What a process may grow by between the middle and the end of a long outage. */
export const flatBytes = 32 * 1024 * 1024

function setNats(world: ChaosWorld, there: boolean): void {
  for (const { name } of world.cluster.services) {
    for (const wire of world.wiresOf(name).nats) {
      if (there) wire.mend()
      else wire.cut()
    }
  }
}

/** The timers' ids have the prefixes outage-in- and outage-after-. */
export async function runShortOutage(stage: Stage): Promise<void> {
  const { world, ledger, say } = stage
  const put = (prefix: string, durations: readonly number[]): Promise<Outcome>[] =>
    durations.map((durationMs, i) => ledger.send(`${prefix}-${i}`, 'put', { durationMs }))
  const outcomes = await Promise.all([...put('outage-in', inIt), ...put('outage-after', after)])
  if (outcomes.some(({ kind }) => kind !== 'done')) throw new Error('the timers could not be made')
  setNats(world, false)
  await delay(shortMs)
  setNats(world, true)
  say(`NATS was away for ${shortMs / 1000} s`)
  await delay(Math.max(...after) - shortMs)
  await untilAllServed(stage)
}

/** What each service grew by from the middle of the outage to its end, in bytes. */
export async function runLongOutage(seconds: number, stage: Stage): Promise<ReadonlyMap<string, number>> {
  const { world, say } = stage
  const samples = new Map<string, number[]>(world.cluster.services.map(({ name }) => [name, []]))
  setNats(world, false)
  const beganMs = performance.now()
  while (performance.now() - beganMs < seconds * 1000) {
    await delay(sampleMs)
    for (const { name, ops } of world.cluster.services) samples.get(name)?.push(await residentBytes(ops))
  }
  setNats(world, true)
  say(`NATS was away for ${seconds} s`)
  await untilAllServed(stage)
  return new Map(
    [...samples].map(([name, all]) => {
      const middle = median(all.slice(Math.floor(all.length / 4), Math.floor(all.length / 2)))
      return [name, median(all.slice(Math.floor((all.length * 3) / 4))) - middle]
    }),
  )
}

async function residentBytes(ops: string): Promise<number> {
  const text = await (await fetch(`${ops}/metrics`)).text()
  return Number(/^process_resident_memory_bytes\S* (\S+)/m.exec(text)?.[1])
}

function median(all: readonly number[]): number {
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? NaN
}
