// Which node serves which partition: whole timer-core nodes in this process, on a real nats-server.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startNatsServer } from '@timers/dev/nats-server.ts'
import { followOwners, type Owners } from '@timers/dev/nats/owners.ts'
import type { RunningApp } from '@timers/shared/lifecycle.ts'
import { connectNats } from '@timers/shared/nats/connect.ts'
import { createLogReader } from '@timers/shared/nats/log-reader.ts'
import { quiet } from '@timers/shared/test/quiet.ts'
import { decodeRecord } from '@timers/shared/wire/record-wire.ts'
import { startTimerCore } from '../src/app.ts'
import { readTimerCoreConfig } from '../src/config.ts'
import { eventually } from './eventually.ts'

const partitionCount = 16
const partitions = Array.from({ length: partitionCount }, (_, partition) => partition)

function startNode(name: string, natsUrl: string): Promise<RunningApp> {
  return startTimerCore(
    readTimerCoreConfig({
      NODE_NAME: name,
      NATS_URL: natsUrl,
      PARTITION_COUNT: String(partitionCount),
      LOG_LEVEL: 'silent',
    }),
  )
}

/** Who owns each partition, once each has an owner and every one of these owns some. */
async function shared(owners: Owners, names: readonly string[]): Promise<(string | undefined)[]> {
  return await eventually(() => {
    const map = partitions.map((partition) => owners.ownerOf(partition))
    assert.deepEqual([...new Set(map)].sort(), [...names].sort())
    return map
  })
}

test('nodes share the partitions; one that comes takes some, one that leaves gives its own back', async () => {
  await using nats = await startNatsServer()
  await using owners = await followOwners(nats.url)
  // Both make the cluster.
  const both = await Promise.all(['core-a', 'core-b'].map((name) => startNode(name, nats.url)))
  await using nodes = new AsyncDisposableStack()
  for (const node of both) nodes.use(node)
  const two = await shared(owners, ['core-a', 'core-b'])

  const c = await startNode('core-c', nats.url)
  const three = await shared(owners, ['core-a', 'core-b', 'core-c'])
  for (const partition of partitions) {
    const stays = three[partition] === two[partition]
    assert.ok(stays || three[partition] === 'core-c', `${partition} moved between those that stayed`)
  }
  await c[Symbol.asyncDispose]()
  assert.deepEqual(await shared(owners, ['core-a', 'core-b']), two)

  // The log says the same. A node that stood still for 1.5 s may have lost a partition and got it back meanwhile.
  const connection = await connectNats(
    { servers: [nats.url], name: 'test', reconnect: true },
    { logger: quiet },
  )
  const reader = createLogReader({ connection })
  for (const partition of partitions) {
    const records = (await reader.read(partition, 1, 100)).map(({ data }) => decodeRecord(data))
    for (const { body } of records) assert.ok(['takeover', 'release'].includes(body.kind), body.kind)
    assert.equal(records.at(-1)?.owner, two[partition], `partition ${partition}`)
  }
  await connection.close()
})
