import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { startNatsServer } from '@timers/dev/nats-server.ts'
import type { RealServer } from '@timers/dev/real-server.ts'
import { subjects } from '../subjects.ts'
import { quiet } from '../test/quiet.ts'
import { connectNats } from './connect.ts'
import { createLogReader, LogHoleError, type LogReader } from './log-reader.ts'

let server: RealServer
let connection: NatsConnection
let manager: JetStreamManager
let reader: LogReader
let partitions = 0

before(async () => {
  server = await startNatsServer()
  connection = await connectNats({ servers: [server.url], name: 'test', reconnect: true }, { logger: quiet })
  manager = await jetstreamManager(connection)
  reader = createLogReader({ connection })
})
after(async () => {
  await connection.close()
  await server[Symbol.asyncDispose]()
})

/** A new log with `count` records; record i has i as its first byte. */
async function logOf(count: number, bytesEach = 1): Promise<number> {
  const partition = partitions
  partitions += 1
  await manager.streams.add({
    name: subjects.stream(partition),
    subjects: [subjects.log(partition)],
    allow_direct: true,
    max_bytes: 64 * 1024 * 1024,
  })
  const publisher = jetstream(connection)
  for (let i = 1; i <= count; i += 1) {
    const data = new Uint8Array(bytesEach)
    data[0] = i
    await publisher.publish(subjects.log(partition), data)
  }
  return partition
}

async function sequences(partition: number, from: number, most: number): Promise<number[]> {
  return (await reader.read(partition, from, most)).map(({ sequence }) => sequence)
}

/** A stop takes effect a little later than it is asked for. */
async function standStill(): Promise<void> {
  server.pause()
  for (let answers = true; answers;) {
    const answered = connection.flush().then(() => true)
    answers = await Promise.race([answered, delay(100).then(() => false)])
  }
}

function isHole(expected: number, found: number): (error: unknown) => boolean {
  return (error) => error instanceof LogHoleError && error.expected === expected && error.found === found
}

describe('the log reader', { timeout: 60_000 }, () => {
  it('reads in order, from anywhere, no more than asked for', async () => {
    const partition = await logOf(5)
    assert.deepEqual(await sequences(partition, 1, 100), [1, 2, 3, 4, 5])
    assert.deepEqual(await sequences(partition, 2, 3), [2, 3, 4])
    const [third] = await reader.read(partition, 3, 1)
    assert.equal(third?.data[0], 3)
    assert.ok(Math.abs(Date.now() - third.storedAtMs) < 60_000)
  })

  it('finds nothing in an empty log, at the end and beyond it', async () => {
    const empty = await logOf(0)
    assert.deepEqual(await sequences(empty, 1, 10), [])
    assert.equal(await reader.last(empty), undefined)
    const partition = await logOf(2)
    assert.deepEqual(await sequences(partition, 3, 10), [])
    assert.deepEqual(await sequences(partition, 300, 10), [])
  })

  it('tells what is new as soon as it is there', async () => {
    const partition = await logOf(1)
    assert.deepEqual(await sequences(partition, 2, 10), [])
    await jetstream(connection).publish(subjects.log(partition), new Uint8Array(1))
    assert.deepEqual(await sequences(partition, 2, 10), [2])
  })

  it('does not jump over what was purged', async () => {
    const partition = await logOf(5)
    await manager.streams.purge(subjects.stream(partition), { seq: 4 })
    await assert.rejects(reader.read(partition, 1, 10), isHole(1, 4))
    assert.deepEqual(await sequences(partition, 4, 10), [4, 5])
    await manager.streams.purge(subjects.stream(partition))
    assert.deepEqual(await sequences(partition, 1, 10), [])
    const { first, last, bytes } = await reader.ends(partition)
    assert.deepEqual({ first, last, bytes }, { first: 6, last: 5, bytes: 0 })
  })

  it('stops before a hole, and does not jump over it', async () => {
    const partition = await logOf(6)
    for (const sequence of [3, 4]) await manager.streams.deleteMessage(subjects.stream(partition), sequence)
    assert.deepEqual(await sequences(partition, 1, 10), [1, 2])
    await assert.rejects(reader.read(partition, 3, 10), isHole(3, 5))
    await assert.rejects(reader.read(partition, 4, 1), isHole(4, 5))
    assert.deepEqual(await sequences(partition, 5, 10), [5, 6])
  })

  it('reads a log that does not fit into one answer piece by piece', async () => {
    const count = 40
    const bytesEach = 256 * 1024
    const partition = await logOf(count, bytesEach)
    const all: number[] = []
    for (let reads = 0; all.length < count; reads += 1) {
      assert.ok(reads < count)
      const piece = await reader.read(partition, all.length + 1, 1000)
      assert.ok(piece.length > 1 && piece.length * bytesEach <= 8 * 1024 * 1024, `${piece.length} records`)
      for (const { data, sequence } of piece) {
        assert.equal(data.length, bytesEach)
        assert.equal(data[0], sequence)
        all.push(sequence)
      }
    }
    assert.deepEqual(
      all,
      Array.from({ length: count }, (_, i) => i + 1),
    )
  })

  it('knows the last record and both ends', async () => {
    const partition = await logOf(3)
    const last = await reader.last(partition)
    assert.equal(last?.sequence, 3)
    assert.equal(last.data[0], 3)
    const { first, last: end, bytes, maxBytes } = await reader.ends(partition)
    assert.deepEqual({ first, end, maxBytes }, { first: 1, end: 3, maxBytes: 64 * 1024 * 1024 })
    assert.ok(bytes > 0)
  })

  it('reads many logs at once', async () => {
    const logs = await Promise.all(Array.from({ length: 20 }, (_, i) => logOf(i)))
    const read = await Promise.all(logs.map((partition) => sequences(partition, 1, 100)))
    assert.deepEqual(
      read.map(({ length }) => length),
      Array.from({ length: 20 }, (_, i) => i),
    )
  })

  it('fails at once where there is no log', async () => {
    await assert.rejects(reader.read(999, 1, 1))
    await assert.rejects(reader.last(999))
    await assert.rejects(reader.ends(999))
  })

  it('does not wait longer than a second for a server that stands still', async () => {
    const partition = await logOf(3)
    const calls = [
      () => reader.read(partition, 1, 10),
      () => reader.last(partition),
      () => reader.ends(partition),
    ]
    await standStill()
    try {
      const startedAtMs = performance.now()
      for (const result of await Promise.allSettled(calls.map((call) => call()))) {
        assert.equal(result.status, 'rejected')
      }
      const tookMs = performance.now() - startedAtMs
      assert.ok(tookMs > 900 && tookMs < 2000, `${tookMs} ms`)
    } finally {
      server.resume()
    }
    assert.deepEqual(await sequences(partition, 1, 10), [1, 2, 3])
  })

  it('fails, and does not wait, once its connection is closed', async () => {
    const partition = await logOf(1)
    const own = await connectNats({ servers: [server.url], name: 'own', reconnect: false }, { logger: quiet })
    const ownReader = createLogReader({ connection: own })
    assert.equal((await ownReader.read(partition, 1, 1)).length, 1)
    await own.close()
    await assert.rejects(ownReader.read(partition, 1, 1))
    await assert.rejects(ownReader.last(partition))
    await assert.rejects(ownReader.ends(partition))
  })
})
