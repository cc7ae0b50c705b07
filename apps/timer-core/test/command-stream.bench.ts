// The stream on which timer-api sends its commands, against unary calls with the same messages: one command a
// request, as many requests in flight, the same durable changes by the same node.

import { credentials } from '@grpc/grpc-js'
import { TimerCoreClient, type CommandGroup } from '@timers/proto/timers/core/v1/core.ts'
import { bench } from '@timers/dev/bench-kit.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import type { Command } from '@timers/shared/timer/command.ts'
import { commandToWire } from '@timers/shared/wire/command-wire.ts'
import { carryOut, commandOf, put, ratePerSecond, startNode } from './bench-world.ts'

const partitionCount = 16
const load = { lanes: 512, forMs: 3000 }

await using node = await startNode({ sync: 'lazy', partitionCount })
const timerIds = Array.from({ length: 2000 }, (_, i) => `timer-${i}`)
await carryOut(
  node.client,
  timerIds.map((timerId) => commandOf(timerId, put(3_600_000))),
)
let at = 0
const next = (): Command => {
  at += 1
  return commandOf(timerIds[at % timerIds.length] ?? '', { op: 'add', byMs: 1 })
}

const unary = new TimerCoreClient(node.core.grpc ?? '', credentials.createInsecure())
const session = 'fedcba9876543210'
/** By partition, the n that wait for their answers, oldest first. */
const open = Array.from({ length: partitionCount }, () => new Set<number>())
let n = 0

function execute(command: Command): Promise<void> {
  n += 1
  const partition = partitionOf(command.tenantId, command.timerId, partitionCount)
  const waiting = open[partition]
  waiting?.add(n)
  const group: CommandGroup = {
    partition,
    session,
    answeredBelow: waiting?.values().next().value ?? 0,
    commands: [commandToWire({ ...command, n, notAfterMs: Date.now() + 15_000 })],
  }
  const sent = n
  return new Promise((resolve, reject) => {
    unary.execute(group, (error, result) => {
      waiting?.delete(sent)
      if (error !== null) reject(error)
      else if (result.results[0]?.code === '') resolve()
      else reject(new Error(JSON.stringify(result)))
    })
  })
}

await bench({
  name: 'command-stream',
  rows: { commands: { unit: '/s', goal: { of: 'ratio', is: '≥', value: 10 } } },
  ours: async () => ({ commands: await ratePerSecond(load, () => carryOut(node.client, [next()])) }),
  floor: async () => ({ commands: await ratePerSecond(load, () => execute(next())) }),
})
unary.close()
