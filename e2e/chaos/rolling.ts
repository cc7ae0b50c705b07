// A rolling restart of all nodes of core, API and gateway, one after the other, under a steady stream of commands. No
// command may fail. How long a partition was nobody's between its Release and the next Takeover is read from the log.

import { setTimeout as delay } from 'node:timers/promises'
import { connectNats } from '@timers/shared/nats/connect.ts'
import { createLogReader, type LogReader } from '@timers/shared/nats/log-reader.ts'
import { quiet } from '@timers/shared/test/quiet.ts'
import { decodeRecord } from '@timers/shared/wire/record-wire.ts'
import type { Ledger, Outcome } from '../ledger.ts'
import { eventually } from '../world.ts'
import type { Stage } from './rounds.ts'
import { partitionCount, servicesOf } from './world.ts'

const inABatch = 10
const sets = 200
export const handOver = 'hand-over: Release → Takeover'

/** How many commands were sent, and what became of those that failed. */
export interface Rolled {
  readonly commands: number
  readonly failed: readonly Outcome[]
}

export async function runRolling(rate: number, stage: Stage): Promise<Rolled> {
  const { world, times, say } = stage
  const connection = await connectNats(
    { servers: world.cluster.natsUrl.split(','), name: 'checker', reconnect: true },
    { logger: quiet },
  )
  try {
    const reader = createLogReader({ connection })
    const partitions = Array.from({ length: partitionCount }, (_, partition) => partition)
    const from = await Promise.all(
      partitions.map(async (partition) => (await reader.ends(partition)).last + 1),
    )
    const stream = startStream(rate, stage)
    for (const role of ['timer-core', 'timer-api', 'ws-gateway'] as const) {
      for (const service of servicesOf(world, role)) {
        await service.restart()
        await service.ready()
        // It has its share again before the next one goes.
        if (role === 'timer-core')
          await eventually(
            () => (world.cluster.owners.ownedBy(service.name).length > 0 ? true : undefined),
            30_000,
          )
        await delay(1500)
        say(`rolling restart: ${service.name} is back`)
      }
    }
    const rolled = await stream.end()
    for (const partition of partitions) await readHandOvers(reader, partition, from[partition] ?? 1, times)
    return rolled
  } finally {
    await connection.close()
  }
}

/** Batches of puts, each of timers that no other is under way for. */
function startStream(rate: number, { ledger, times }: Stage): { end(): Promise<Rolled> } {
  const free = Array.from({ length: sets }, (_, set) =>
    Array.from({ length: inABatch }, (_, i) => `rolling-${set}-${i}`),
  )
  const failed: Outcome[] = []
  const under = new Set<Promise<void>>()
  let commands = 0
  let late = 0
  const send = async (ids: readonly string[], to: Ledger): Promise<void> => {
    const sentMs = performance.now()
    const outcomes = await to.putMany(ids, { durationMs: 60_000, autostart: false })
    times.add('command while nodes restart', performance.now() - sentMs)
    failed.push(...outcomes.filter(({ kind }) => kind !== 'done'))
    free.push([...ids])
  }
  const eachMs = (1000 * inABatch) / rate
  const beganMs = performance.now()
  const ticking = setInterval(() => {
    const wanted = Math.floor((performance.now() - beganMs) / eachMs)
    while (commands / inABatch + late < wanted) {
      const ids = free.shift()
      if (ids === undefined) {
        late += 1
        continue
      }
      commands += ids.length
      const sent = send(ids, ledger).finally(() => under.delete(sent))
      under.add(sent)
    }
  }, 5)
  return {
    async end() {
      clearInterval(ticking)
      await Promise.all(under)
      return { commands, failed }
    },
  }
}

async function readHandOvers(
  reader: LogReader,
  partition: number,
  from: number,
  times: Stage['times'],
): Promise<void> {
  const { last } = await reader.ends(partition)
  let releasedMs: number | undefined
  for (let next = from; next <= last;) {
    for (const { sequence, storedAtMs, data } of await reader.read(partition, next, 500)) {
      next = sequence + 1
      const { kind } = decodeRecord(data).body
      if (kind === 'takeover' && releasedMs !== undefined) times.add(handOver, storedAtMs - releasedMs)
      releasedMs = kind === 'release' ? storedAtMs : undefined
    }
  }
}
