// One partition's log is damaged, on a real nats-server: it is said to be quarantined, and the others go on.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startNatsServer } from '@timers/dev/nats-server.ts'
import { Directory } from '@timers/shared/cluster/directory.ts'
import { openCoreClient } from '@timers/shared/grpc/open-core-client.ts'
import { connectNats } from '@timers/shared/nats/connect.ts'
import { followHeartbeats } from '@timers/shared/nats/heartbeats.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import { subjects } from '@timers/shared/subjects.ts'
import { createSystemClock } from '@timers/shared/system-clock.ts'
import { quiet } from '@timers/shared/test/quiet.ts'
import type { Command } from '@timers/shared/timer/command.ts'
import { startTimerCore } from '../src/app.ts'
import { readTimerCoreConfig } from '../src/config.ts'
import { eventually } from './eventually.ts'

const partitionCount = 4
const damaged = 2

function put(timerId: string): Command {
  const operation = { op: 'put', durationMs: 1000, autostart: false, title: '', labels: {} } as const
  const actor = { type: 'operator', id: 'local' } as const
  return {
    tenantId: 'default',
    timerId,
    operation: { ...operation, metadata: '', retentionMs: 0 },
    actor,
    requestId: 'r',
  }
}

test('a damaged log takes one partition out, and no other', async () => {
  await using nats = await startNatsServer()
  await using stack = new AsyncDisposableStack()
  for (const name of ['core-a', 'core-b']) {
    const config = { NODE_NAME: name, NATS_URL: nats.url, PARTITION_COUNT: String(partitionCount) }
    stack.use(await startTimerCore(readTimerCoreConfig({ ...config, LOG_LEVEL: 'silent' })))
  }
  const connection = await connectNats(
    { servers: [nats.url], name: 'test', reconnect: true },
    { logger: quiet },
  )
  stack.defer(() => connection.close())
  const clock = createSystemClock()
  const directory = new Directory({ deadAfterMs: 1500 })
  stack.use(followHeartbeats({ connection, directory, clock, logger: quiet }))
  const client = stack.use(
    openCoreClient({ partitionCount }, { directory, clock, logger: quiet, random: Math.random }),
  )
  const partitions = Array.from({ length: partitionCount }, (_, partition) => partition)
  const ids = partitions.map((partition) =>
    ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p'].find(
      (id) => partitionOf('default', id, partitionCount) === partition,
    ),
  )
  const send = (partition: number) =>
    client.execute([put(ids[partition] ?? '')], Date.now() + 10_000).then(([result]) => result)
  for (const partition of partitions) assert.ok((await send(partition))?.ok)

  await connection.request(subjects.log(damaged), new Uint8Array([1, 2, 3]), { timeout: 5000 })
  // Its owner finds it when it next appends: what it staged then may be done for all that is known.
  const startedAtMs = performance.now()
  const refused = await client.execute([put(ids[damaged] ?? '')], Date.now() + 4000)
  assert.equal(!refused[0]?.ok && refused[0]?.refusal.code, 'outcome_unknown')
  await eventually(() => {
    const said = directory
      .live('timer-core', clock.monotonicMs())
      .flatMap(({ quarantined }) => quarantined ?? [])
    assert.deepEqual(said, [{ partition: damaged, tries: 1 }])
    assert.equal(directory.ownerOf(damaged, clock.monotonicMs()), undefined)
  })
  const others = partitions.filter((partition) => partition !== damaged)
  for (const partition of others) assert.ok((await send(partition))?.ok)
  const late = await send(damaged)
  assert.equal(late?.ok === false && late.refusal.code, 'unavailable')
  assert.ok(performance.now() - startedAtMs < 9000, 'it was kept waiting')
})
