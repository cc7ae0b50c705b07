import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Readable } from 'node:stream'
import { credentials, status } from '@grpc/grpc-js'
import {
  TimerCoreClient,
  type CommandGroup,
  type TimerCoreServer,
} from '@timers/proto/timers/core/v1/core.ts'
import { serveGrpc } from '@timers/shared/grpc/serve.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import { createSystemClock } from '@timers/shared/system-clock.ts'
import { quiet } from '@timers/shared/test/quiet.ts'
import { commandToWire } from '@timers/shared/wire/command-wire.ts'
import type { Partition } from '../partition/partition.ts'
import type { Host } from '../placement/host.ts'
import { timers } from '../timer/table.examples.ts'
import { timerCoreService } from './timer-core-service.ts'

const partitionCount = 8

function groupOf(partition: number, ...timerIds: string[]): CommandGroup {
  const commands = timerIds.map((timerId, n) =>
    commandToWire({
      tenantId: 'default',
      timerId,
      n,
      notAfterMs: Date.now() + 1000,
      actor: { type: 'operator', id: 'local' },
      requestId: 'r',
      operation: { op: 'start' },
    }),
  )
  return { partition, session: '0123456789abcdef', answeredBelow: 0, commands }
}

test('a command for a timer of another partition is refused, and nothing of its group is taken', async () => {
  let submitted = 0
  const partition = {
    submit: (group: { commands: readonly unknown[] }, done: (outcome: object) => void) => {
      submitted += group.commands.length
      done({ results: [], unanswered: [], owner: undefined, mayBeDone: false })
    },
  } as unknown as Partition
  const host = { partition: () => partition, named: () => undefined } as unknown as Host
  const { implementation } = timerCoreService({ host, clock: createSystemClock(), partitionCount })
  const { execute } = implementation as unknown as TimerCoreServer
  const call = (request: CommandGroup): Promise<number | undefined> =>
    new Promise((resolve) => {
      execute({ request } as unknown as Parameters<typeof execute>[0], (error) => {
        resolve(error?.code ?? undefined)
      })
    })

  const mine = partitionOf('default', 'tea', partitionCount)
  assert.equal(await call(groupOf(mine, 'tea')), undefined)
  assert.equal(submitted, 1)
  const another = ['a', 'b', 'c', 'd'].find((id) => partitionOf('default', id, partitionCount) !== mine) ?? ''
  assert.equal(await call(groupOf(mine, 'tea', another)), status.INVALID_ARGUMENT)
  assert.equal(submitted, 1)
})

test('a call that fails ends with its status: a scan over its limit, a stream with a group of nonsense', async () => {
  const partition = {
    scan: function* () {
      yield { partition: 0, sequence: 1, term: 't', timers: [timers.paused, timers.paused], more: false }
    },
  } as unknown as Partition
  const host = { partition: () => partition, named: () => undefined } as unknown as Host
  const services = [timerCoreService({ host, clock: createSystemClock(), partitionCount })]
  await using server = await serveGrpc(
    { host: '127.0.0.1', port: 0, services, drainMs: 50 },
    { logger: quiet },
  )
  const client = new TimerCoreClient(server.address, credentials.createInsecure())
  const soon = { deadline: Date.now() + 10_000 }
  try {
    const scanned = client.scan(
      { tenantId: 'default', partitions: [0], selection: { $case: 'all', value: true }, limit: 1 },
      soon,
    )
    assert.equal(await endOf(scanned), status.RESOURCE_EXHAUSTED)
    const stream = client.stream(soon)
    const mine = partitionOf('default', 'tea', partitionCount)
    stream.write({ groups: [groupOf((mine + 1) % partitionCount, 'tea')] })
    assert.equal(await endOf(stream), status.INVALID_ARGUMENT)
  } finally {
    client.close()
  }
})

function endOf(call: Readable): Promise<number> {
  return new Promise((resolve) => {
    call.on('status', ({ code }: { code: number }) => {
      resolve(code)
    })
    call.on('error', () => undefined)
    call.resume()
  })
}
