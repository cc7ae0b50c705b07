// Whether partitions are served: a command to each, again and again until it is acknowledged.

import { setTimeout as delay } from 'node:timers/promises'
import type { Ledger } from '../ledger.ts'
import { partitionCount, type ChaosWorld } from './world.ts'

const withinMs = 90_000
const againMs = 20

/** Throws when the partition is not served within a minute and a half. */
export async function untilServed(
  partition: number,
  { world, ledger }: { readonly world: ChaosWorld; readonly ledger: Ledger },
): Promise<void> {
  const id = world.freshId(partition)
  const untilMs = performance.now() + withinMs
  for (;;) {
    const outcome = await ledger.send(id, 'put', { durationMs: 60_000, autostart: false })
    if (outcome.kind === 'done') return
    if (performance.now() > untilMs)
      throw new Error(`partition ${partition} is not served: ${JSON.stringify(outcome)}`)
    await delay(againMs)
  }
}

export async function untilAllServed(deps: Parameters<typeof untilServed>[1]): Promise<void> {
  await Promise.all(Array.from({ length: partitionCount }, (_, partition) => untilServed(partition, deps)))
}
