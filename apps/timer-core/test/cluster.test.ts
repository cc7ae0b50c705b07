// How a cluster is made, on a real nats-server: once, whoever comes at the same time; and what does not fit
// together is refused.

import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { after, before, beforeEach, describe, it } from 'node:test'
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { startNatsServer } from '@timers/dev/nats-server.ts'
import type { RealServer } from '@timers/dev/real-server.ts'
import { readClusterRecord, type ClusterRecord } from '@timers/shared/nats/cluster-record.ts'
import { connectNats } from '@timers/shared/nats/connect.ts'
import { subjects } from '@timers/shared/subjects.ts'
import { quiet } from '@timers/shared/test/quiet.ts'
import { ClusterRefusedError, ensureCluster } from '../src/nats/cluster-setup.ts'

const options = { partitionCount: 6, replicas: 1 }

describe('the cluster', () => {
  let nats: RealServer
  let connection: NatsConnection
  let manager: JetStreamManager
  const others: NatsConnection[] = []
  const connectTo = async ({ url }: RealServer): Promise<NatsConnection> => {
    const opened = await connectNats({ servers: [url], name: 'test', reconnect: true }, { logger: quiet })
    others.push(opened)
    return opened
  }
  before(async () => {
    nats = await startNatsServer()
    connection = await connectTo(nats)
    manager = await jetstreamManager(connection)
  })
  after(async () => {
    for (const each of others) await each.close()
    await nats[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    for await (const name of manager.streams.names()) await manager.streams.delete(name)
  })
  const ensure = (on = connection, more: Partial<typeof options> = {}): Promise<ClusterRecord> =>
    ensureCluster({ ...options, ...more }, { connection: on, logger: quiet })
  const refused = async (why: RegExp, on = connection): Promise<void> => {
    await assert.rejects(ensure(on), (error) => {
      assert.ok(error instanceof ClusterRefusedError, String(error))
      assert.match(error.message, why)
      return true
    })
  }
  const streams = async (): Promise<string[]> => {
    const names: string[] = []
    for await (const name of manager.streams.names('timers.log.*')) names.push(name)
    return names.sort()
  }
  const all = Array.from({ length: options.partitionCount }, (_, partition) => subjects.stream(partition))

  it('is made once: record, streams, ready; whoever comes later takes it as it is', async () => {
    const made = await ensure()
    assert.equal(made.ready, true)
    assert.deepEqual(await streams(), all)
    assert.deepEqual(await readClusterRecord(connection), made)
    await jetstream(connection).publish(subjects.log(0), 'something')
    assert.deepEqual(await ensure(connection, { partitionCount: 9 }), made)
    assert.deepEqual(await streams(), all)
    assert.equal((await manager.streams.info(subjects.stream(0))).state.messages, 1)
  })

  it('has logs that keep what they have, take no more than they hold, and republish', async () => {
    await ensure()
    const { config } = await manager.streams.info(subjects.stream(3))
    assert.deepEqual(
      [
        config.subjects,
        config.storage,
        config.retention,
        config.discard,
        config.deny_delete,
        config.allow_direct,
      ],
      [[subjects.log(3)], 'file', 'limits', 'new', true, true],
    )
    assert.ok(config.max_bytes >= 32 * 1024 * 1024 && config.max_bytes <= 1024 * 1024 * 1024)
    assert.deepEqual(config.republish, { src: subjects.log(3), dest: subjects.events(3) })
  })

  it('is one, however many nodes make it at once', async () => {
    const connections = await Promise.all(Array.from({ length: 6 }, () => connectTo(nats)))
    for (let round = 0; round < 8; round += 1) {
      for await (const name of manager.streams.names()) await manager.streams.delete(name)
      // One after the other by less than it takes: each finds another part of it made.
      const made = await Promise.all(
        connections.map(async (each, i) => {
          await delay(i * round)
          return await ensure(each)
        }),
      )
      assert.equal(new Set(made.map(({ dataId }) => dataId)).size, 1)
      assert.ok(made.every(({ ready }) => ready))
      assert.deepEqual(await readClusterRecord(connection), made[0])
      assert.deepEqual(await streams(), all)
    }
  })

  it('is finished by the next when whoever began it did not', async () => {
    const made = await ensure()
    const bucket = await new Kvm(connection).open(subjects.clusterBucket)
    await bucket.put(subjects.clusterRecord, JSON.stringify({ ...made, ready: false }))
    await manager.streams.delete(subjects.stream(4))
    assert.deepEqual(await ensure(), made)
    assert.deepEqual(await streams(), all)
  })

  it('is refused when there are streams and no record of it', async () => {
    await ensure()
    await manager.streams.delete(`KV_${subjects.clusterBucket}`)
    await refused(/no cluster record/)
    assert.deepEqual(await streams(), all)
    assert.equal(await readClusterRecord(connection), undefined)
  })

  it('is refused when it was ready and a stream is missing', async () => {
    await ensure()
    await manager.streams.delete(subjects.stream(2))
    await manager.streams.delete(subjects.stream(5))
    await refused(/partitions 2, 5 are missing/)
    assert.equal((await streams()).length, options.partitionCount - 2)
  })

  it('is refused on a broker that does not take a full batch', async () => {
    await using small = await startNatsServer({ maxPayload: 256 * 1024 })
    const on = await connectTo(small)
    await refused(/262144 bytes a message/, on)
    assert.equal(await readClusterRecord(on), undefined)
    await on.close()
  })
})
