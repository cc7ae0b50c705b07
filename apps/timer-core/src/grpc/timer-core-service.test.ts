import assert from 'node:assert/strict'
import { test } from 'node:test'
import { status } from '@grpc/grpc-js'
import type { CommandGroup, TimerCoreServer } from '@timers/proto/timers/core/v1/core.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import { createSystemClock } from '@timers/shared/system-clock.ts'
import { commandToWire } from '@timers/shared/wire/command-wire.ts'
import type { Partition } from '../partition/partition.ts'
import type { Host } from '../placement/host.ts'
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
