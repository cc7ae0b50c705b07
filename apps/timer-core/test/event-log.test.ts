// The log's port on a real nats-server: what an append comes to, and that a success is never anything but the next
// record on the connection that was asked for.

import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { LogRecord } from '@timers/shared/log/record.ts'
import { quiet } from '@timers/shared/test/quiet.ts'
import { EventLogs } from '../src/nats/event-log.ts'
import { LogConnection } from '../src/nats/log-connection.ts'
import type { PartitionLog } from '../src/partition/ports.ts'
import { eventually } from './eventually.ts'
import { Link } from './link.ts'
import { partitionCount, recordOf, World } from './world.ts'

describe('the log', () => {
  let world: World
  let link: Link
  let connection: LogConnection
  let log: PartitionLog
  /** Each test has its own log. */
  let partition = 0
  before(async () => {
    world = await World.start()
    link = await Link.to(world.nats.port)
    const servers = [`nats://127.0.0.1:${link.port}`]
    const opened = (): AsyncDisposable => ({ [Symbol.asyncDispose]: () => Promise.resolve() })
    connection = new LogConnection({ servers, name: 'log' }, { logger: quiet, random: Math.random, opened })
    await connection.open()
  })
  after(async () => {
    await connection[Symbol.asyncDispose]()
    await link[Symbol.asyncDispose]()
    await world[Symbol.asyncDispose]()
  })
  beforeEach(() => {
    partition += 1
    log = new EventLogs(connection).logOf(partition)
  })
  const takeover = recordOf('t', { kind: 'takeover', dataId: 'd', partitionCount })
  const append = (record: LogRecord, expected: number, id = log.connectionId()) =>
    log.append(record, expected, id)

  it('takes the next record, and reads it back', async () => {
    const outcomes = [await append(takeover, 0), await append(recordOf('t', { kind: 'beat' }), 1)]
    assert.deepEqual(
      outcomes.map((outcome) => outcome.kind === 'committed' && outcome.sequence),
      [1, 2],
    )
    const read = await log.read(1, 10)
    assert.deepEqual(
      read.map(({ sequence, record }) => [sequence, record.body.kind]),
      [
        [1, 'takeover'],
        [2, 'beat'],
      ],
    )
    assert.deepEqual(read[0]?.record, takeover)
    const { first, last, bytes, maxBytes } = await log.ends()
    assert.deepEqual([first, last], [1, 2])
    // What an append says it takes of the log's room is about what it takes.
    let said = 0
    for (const outcome of outcomes) if (outcome.kind === 'committed') said += outcome.bytes
    assert.ok(Math.abs(said - bytes) < 0.2 * bytes, `${said} said, ${bytes} taken`)
    assert.ok(maxBytes >= 32 * 1024 * 1024)
  })

  it('knows its newest record, and none of an empty log', async () => {
    assert.equal(await log.last(), undefined)
    await append(takeover, 0)
    await append(recordOf('t', { kind: 'beat' }), 1)
    const last = await log.last()
    assert.deepEqual([last?.sequence, last?.record.body.kind], [2, 'beat'])
  })

  it('is cut at its front, and goes on', async () => {
    await append(takeover, 0)
    for (let last = 1; last < 4; last += 1) await append(recordOf('t', { kind: 'beat' }), last)
    await log.purge(4)
    const { first, last } = await log.ends()
    assert.deepEqual([first, last], [4, 4])
    assert.equal((await log.last())?.sequence, 4)
    await assert.rejects(log.read(1, 10))
    assert.equal((await append(recordOf('t', { kind: 'beat' }), 4)).kind, 'committed')
  })

  it('does not take a record that expects another end, and cannot say what that means', async () => {
    await append(takeover, 0)
    for (const expected of [0, 5]) assert.equal((await append(takeover, expected)).kind, 'unknown')
    assert.equal(await world.last(partition), 1)
  })

  it('says no, for sure, when it is full', async () => {
    await append(takeover, 0)
    await world.setMaxBytes(partition, 1024)
    const large = { ...takeover, owner: 'x'.repeat(2000) }
    const outcome = await append(large, 1)
    assert.ok(outcome.kind === 'refused' && outcome.reason === 'full')
    assert.equal(await world.last(partition), 1)
  })

  it('says no, for sure, to what cannot be encoded', async () => {
    const broken = recordOf('t', { kind: 'batch', nowMs: 0.5, events: [] })
    const outcome = await append(broken, 0)
    assert.ok(outcome.kind === 'refused' && outcome.reason === 'payload')
    assert.match(outcome.detail, /batch.nowMs/)
    assert.equal(await world.last(partition), 0)
  })

  it('sends nothing on another connection than it was told, nor while there is none', async () => {
    const id = log.connectionId()
    link.cut()
    await eventually(() => {
      assert.notEqual(log.connectionId(), id)
    })
    assert.equal((await append(takeover, 0, id)).kind, 'unknown')
    await eventually(() => {
      assert.ok(log.connectionId() > id)
    })
    assert.equal((await append(takeover, 0, id)).kind, 'unknown')
    assert.equal(await world.last(partition), 0)
    assert.equal((await append(takeover, 0)).kind, 'committed')
  })

  it('does not know what becomes of a record whose answer does not come', async () => {
    const { stored } = await world.watch(partition)
    link.holdAnswers()
    const waiting = append(takeover, 0)
    await stored
    link.cut()
    assert.equal((await waiting).kind, 'unknown')
    assert.equal(await world.last(partition), 1)
  })
  it('waits about a second for an answer, each append for itself', async () => {
    await eventually(() => {
      assert.ok(log.connectionId() > 0)
    })
    const { stored } = await world.watch(partition)
    link.holdAnswers()
    const startedAtMs = performance.now()
    const waiting = append(takeover, 0)
    await stored
    const later = append(takeover, 1)
    assert.equal((await waiting).kind, 'unknown')
    const tookMs = performance.now() - startedAtMs
    assert.ok(tookMs >= 990 && tookMs < 5000, `${tookMs} ms`)
    assert.equal((await later).kind, 'unknown')
    link.cut()
  })
})
