import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { jetstreamManager } from '@nats-io/jetstream'
import { Kvm, type KV } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { startNatsServer } from '@timers/dev/nats-server.ts'
import type { RealServer } from '@timers/dev/real-server.ts'
import type { Clock } from '../clock.ts'
import { subjects } from '../subjects.ts'
import { createSystemClock } from '../system-clock.ts'
import { quiet } from '../test/quiet.ts'
import {
  awaitCluster,
  ClusterRecordError,
  parseClusterRecord,
  readClusterRecord,
  type ClusterRecord,
} from './cluster-record.ts'
import { connectNats } from './connect.ts'

const record: ClusterRecord = {
  dataId: 'd1',
  partitionCount: 64,
  hash: 'crc32-ieee',
  formatLevel: 1,
  replicas: 1,
  ready: true,
}
const clock = createSystemClock()
let server: RealServer
let connection: NatsConnection

before(async () => {
  server = await startNatsServer()
  connection = await connectNats({ servers: [server.url], name: 'test', reconnect: true }, { logger: quiet })
})
after(async () => {
  await connection.close()
  await server[Symbol.asyncDispose]()
})
beforeEach(async () => {
  const manager = await jetstreamManager(connection)
  await manager.streams.delete(`KV_${subjects.clusterBucket}`).catch(() => undefined)
})

function bucket(): Promise<KV> {
  return new Kvm(connection).create(subjects.clusterBucket)
}

/** Says when it is told that it waits. */
function waitedFor(): { logger: typeof quiet; waiting: Promise<undefined> } {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const tell = (): void => {
    resolve(undefined)
  }
  return { logger: { ...quiet, info: tell, warn: tell }, waiting: promise }
}

describe('the cluster record', { timeout: 30_000 }, () => {
  it('is undefined until it is made', async () => {
    assert.equal(await readClusterRecord(connection), undefined)
    const kv = await bucket()
    assert.equal(await readClusterRecord(connection), undefined)
    await kv.create(subjects.clusterRecord, JSON.stringify(record))
    assert.deepEqual(await readClusterRecord(connection), record)
  })

  it('is waited for until it is ready', async () => {
    // Each pause between two looks ends when the test says so.
    let paused = Promise.withResolvers<() => void>()
    const stepped: Clock = {
      ...clock,
      after(_, callback) {
        paused.resolve(callback)
        return () => undefined
      },
    }
    const awaited = awaitCluster(connection, { clock: stepped, logger: quiet })
    const lookAgain = await paused.promise
    const kv = await bucket()
    await kv.create(subjects.clusterRecord, JSON.stringify({ ...record, ready: false }))
    paused = Promise.withResolvers()
    lookAgain()
    const outcome = await Promise.race([awaited, paused.promise])
    assert.ok(typeof outcome === 'function', 'it did not wait for a record that is not ready')
    await kv.put(subjects.clusterRecord, JSON.stringify(record))
    outcome()
    assert.deepEqual(await awaited, record)
  })

  it('is not waited for when it is one we cannot serve, or the wait is over', async () => {
    const { logger, waiting } = waitedFor()
    const abort = new AbortController()
    const awaited = awaitCluster(connection, { clock, logger }, abort.signal)
    await waiting
    abort.abort(new Error('enough'))
    await assert.rejects(awaited, /enough/)

    const kv = await bucket()
    await kv.put(subjects.clusterRecord, JSON.stringify({ ...record, hash: 'md5' }))
    await assert.rejects(awaitCluster(connection, { clock, logger }), ClusterRecordError)

    const own = await connectNats({ servers: [server.url], name: 'own', reconnect: false }, { logger: quiet })
    await own.close()
    await assert.rejects(awaitCluster(own, { clock, logger }))
  })

  it('is waited for through a loss of the server', async () => {
    await (await bucket()).create(subjects.clusterRecord, JSON.stringify(record))
    const { logger, waiting } = waitedFor()
    await server.kill()
    const awaited = awaitCluster(connection, { clock, logger })
    await waiting
    await server.restart()
    assert.deepEqual(await awaited, record)
  })

  it('must be whole', () => {
    assert.deepEqual(parseClusterRecord(JSON.stringify({ ...record, later: 1 })), record)
    const broken = ['', 'null', '1', '[]', '{}']
    for (const key of Object.keys(record)) broken.push(JSON.stringify({ ...record, [key]: undefined }))
    for (const partitionCount of [0, 1.5, '64']) broken.push(JSON.stringify({ ...record, partitionCount }))
    for (const text of broken) assert.throws(() => parseClusterRecord(text), ClusterRecordError, text)
  })
})
