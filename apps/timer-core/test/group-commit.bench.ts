// Group commit: commands of which 50 share one record, through a whole partition (judged, appended, applied,
// answered), against one message per event, each awaited, which is all a log without it can do.

import { randomBytes } from 'node:crypto'
import { bench } from '@timers/dev/bench-kit.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import { createSystemClock } from '@timers/shared/system-clock.ts'
import { quiet } from '@timers/shared/test/quiet.ts'
import type { SentCommand } from '@timers/shared/timer/command.ts'
import { createPacking } from '@timers/shared/wire/timer-wire.ts'
import { ensureCluster } from '../src/nats/cluster-setup.ts'
import { EventLogs } from '../src/nats/event-log.ts'
import { LogConnection } from '../src/nats/log-connection.ts'
import { Partition } from '../src/partition/partition.ts'
import { Turns } from '../src/partition/turns.ts'
import {
  commandOf,
  openPlainLog,
  put,
  ratePerSecond,
  startBroker,
  syncs,
  tenantId,
  type Broker,
} from './bench-world.ts'
import { SnapshotMemory } from './snapshot-memory.ts'

const commandsABatch = 50
const forMs = 2000
const session = '0123456789abcdef'

/** A partition that is owned. `records`: how many it has had its PubAck for. */
async function ownPartition(broker: Broker, stack: AsyncDisposableStack) {
  const { connection, nats } = broker
  const cluster = await ensureCluster({ partitionCount: 1, replicas: 1 }, { connection, logger: quiet })
  const opened = (): AsyncDisposable => ({ [Symbol.asyncDispose]: () => Promise.resolve() })
  const link = new LogConnection(
    { servers: [nats.url], name: 'bench-log' },
    { logger: quiet, random: Math.random, opened },
  )
  stack.use(link)
  await link.open()
  const clock = createSystemClock()
  let records = 0
  const partition = new Partition(
    { node: 'bench', partition: 0, partitionCount: 1, dataId: cluster.dataId },
    {
      log: new EventLogs(link).logOf(0),
      clock,
      turns: new Turns({ clock }),
      random: Math.random,
      newTerm: () => randomBytes(8).toString('hex'),
      packing: createPacking(),
      snapshots: new SnapshotMemory().source,
      observer: {
        appended: () => (records += 1),
        fired: () => undefined,
        tookOver: () => undefined,
        trouble: (_, message, detail) => {
          throw new Error(`${message}: ${detail}`)
        },
      },
      mine: () => true,
      ended: () => undefined,
      applied: () => undefined,
    },
  )
  await partition.acquire()
  stack.defer(() => partition.release(undefined))
  return { partition, records: () => records }
}

function carryOut(partition: Partition, commands: readonly SentCommand[]): Promise<void> {
  const answeredBelow = commands[0]?.n ?? 0
  return new Promise((resolve, reject) => {
    partition.submit({ session, answeredBelow, commands }, ({ results }) => {
      const done = results.filter(({ result }) => result.ok).length
      if (done === commands.length) resolve()
      else reject(new Error(`${done} of ${commands.length} are done: ${JSON.stringify(results[0])}`))
    })
  })
}

for (const sync of syncs) {
  await using stack = new AsyncDisposableStack()
  const broker = stack.use(await startBroker(sync))
  const { partition, records } = await ownPartition(broker, stack)
  const append = await openPlainLog(broker)

  const timerIds = Array.from({ length: 1000 }, (_, i) => `timer-${i}`)
  let n = 0
  const sent = (command: ReturnType<typeof commandOf>): SentCommand => {
    n += 1
    return { ...command, n, notAfterMs: Date.now() + 15_000 }
  }
  for (const timerId of timerIds) await carryOut(partition, [sent(commandOf(timerId, put(3_600_000)))])
  const nextBatch = (): SentCommand[] =>
    Array.from({ length: commandsABatch }, () => {
      const timerId = timerIds[n % timerIds.length] ?? ''
      return sent(commandOf(timerId, { op: 'add', byMs: 1 }))
    })
  const timer = partition.state.get(tenantId, timerIds[0] ?? '')
  if (timer === undefined || partitionOf(tenantId, timer.timerId, 1) !== 0) throw new Error('no timer')
  const { actor, requestId } = commandOf(timer.timerId, { op: 'start' })
  const event = { type: 'adjusted', timer, cause: { actor, requestId } } as const

  await bench({
    name: `group-commit-${sync}`,
    rows: {
      events: { unit: '/s', goal: { of: 'ratio', is: '≥', value: 15 } },
      'events-a-record': { unit: '' },
    },
    async ours() {
      const [recordsBefore, before] = [records(), n]
      const batches = await ratePerSecond({ lanes: 1, forMs }, () => carryOut(partition, nextBatch()))
      const eventsARecord = (n - before) / (records() - recordsBefore)
      return { events: batches * commandsABatch, 'events-a-record': eventsARecord }
    },
    floor: async () => ({
      events: await ratePerSecond({ lanes: 1, forMs }, () => append(event)),
      'events-a-record': 1,
    }),
  })
}
