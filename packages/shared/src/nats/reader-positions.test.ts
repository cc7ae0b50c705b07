import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { startNatsServer } from '@timers/dev/nats-server.ts'
import type { RealServer } from '@timers/dev/real-server.ts'
import { subjects } from '../subjects.ts'
import { quiet } from '../test/quiet.ts'
import { connectNats } from './connect.ts'
import { ReaderPositions } from './reader-positions.ts'

describe('the positions of readers', () => {
  let server: RealServer
  let connection: NatsConnection
  let readers: ReaderPositions
  before(async () => {
    server = await startNatsServer()
    connection = await connectNats(
      { servers: [server.url], name: 'test', reconnect: true },
      { logger: quiet },
    )
    readers = new ReaderPositions({ replicas: 1 }, { connection })
  })
  after(async () => {
    await connection.close()
    await server[Symbol.asyncDispose]()
  })

  it('lets nothing go while nobody was ever listed', async () => {
    assert.equal(await readers.names(), undefined)
    assert.equal(await readers.least(0, 'd'), 0)
  })

  it('waits for every listed reader: one that has told nothing counts as 0', async () => {
    await readers.enlist('persistence')
    await readers.tell('persistence', [{ partition: 0, dataId: 'd', sequence: 70 }])
    assert.equal(await readers.least(0, 'd'), 70)
    await readers.enlist('webhooks')
    await readers.enlist('webhooks')
    assert.deepEqual(await readers.names(), ['persistence', 'webhooks'])
    assert.equal(await readers.least(0, 'd'), 0)
    await readers.tell('webhooks', [{ partition: 0, dataId: 'd', sequence: 40 }])
    assert.equal(await readers.least(0, 'd'), 40)
  })

  it('does not take a position in other data, or of another partition', async () => {
    assert.equal(await readers.least(0, 'other'), 0)
    assert.equal(await readers.least(1, 'd'), 0)
  })

  it('waits no more for one that is removed', async () => {
    assert.equal(await readers.remove('webhooks'), true)
    assert.equal(await readers.remove('webhooks'), false)
    assert.equal(await readers.least(0, 'd'), 70)
    await readers.remove('persistence')
    assert.equal(await readers.least(0, 'd'), Infinity)
  })

  it('lets nothing go when the list is lost, until readers are listed again', async () => {
    await (await jetstreamManager(connection)).streams.delete(`KV_${subjects.readersBucket}`)
    // Who had it open has to find out.
    await readers.least(0, 'd').catch(() => undefined)
    assert.equal(await readers.least(0, 'd'), 0)
    await readers.enlist('persistence')
    assert.equal(await readers.least(0, 'd'), 0)
  })
})
