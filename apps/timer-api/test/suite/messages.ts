// Messages to viewers: what a gateway hears.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { NatsConnection } from '@nats-io/transport-node'
import type { ViewerMessage } from '@timers/shared/cluster/live.ts'
import { createLogger } from '@timers/shared/logger.ts'
import { connectNats } from '@timers/shared/nats/connect.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import { decodeViewerMessage } from '@timers/shared/wire/live-wire.ts'
import { eventually, type World } from '../world.ts'

export function messages(world: () => World): void {
  const heard: [subject: string, message: ViewerMessage][] = []
  let connection: NatsConnection
  before(async () => {
    const logger = createLogger({ role: 'test', name: 'test', level: 'error' })
    connection = await connectNats(
      { servers: [world().cluster.natsUrl], name: 'test', reconnect: false },
      { logger },
    )
    connection.subscribe('timers.msg.*', {
      callback: (_, message) => void heard.push([message.subject, decodeViewerMessage(message.data)]),
    })
    await connection.flush()
  })
  after(() => connection.close())

  const next = () =>
    eventually(() => {
      const [message] = heard.splice(0, 1)
      assert.ok(message, 'a message')
      return Promise.resolve(message)
    })

  test("go out on the timer's partition, as they came", async () => {
    const { api } = world()
    await api.put('told', { durationMs: 3_600_000 })
    const sent = await api.post('/v1/timers/told/messages', {
      kind: 'cue',
      data: { text: 'é', list: [1, null] },
    })
    assert.deepEqual([sent.status, sent.text], [202, ''])
    const message = {
      tenantId: 'default',
      timerId: 'told',
      kind: 'cue',
      data: '{"text":"é","list":[1,null]}',
    }
    assert.deepEqual(await next(), [`timers.msg.${partitionOf('default', 'told', 64)}`, message])
  })

  test('or to all of the tenant', async () => {
    assert.equal((await world().api.post('/v1/messages', { kind: 'k', data: null })).status, 202)
    assert.deepEqual(await next(), ['timers.msg.all', { tenantId: 'default', kind: 'k', data: 'null' }])
  })

  test('are refused for a timer that is not there, and beyond their limits', async () => {
    const { api } = world()
    assert.equal(
      (await api.post('/v1/timers/never/messages', { kind: 'k', data: 1 })).problem.code,
      'not_found',
    )
    const status = async (body: unknown) => (await api.post('/v1/messages', body)).status
    assert.equal(await status({ kind: 'k'.repeat(32), data: 'x'.repeat(2046) }), 202)
    assert.equal((await next())[1].kind.length, 32)
    for (const body of [
      { kind: 'k'.repeat(33), data: 1 },
      { kind: '', data: 1 },
      { kind: 'k' },
      { data: 1 },
      { kind: 'k', data: 'x'.repeat(2047) },
      { kind: 'k', data: ['\ud800'] },
      '{"kind":"k","data":1e400}',
      { kind: 'k', data: 1, more: 1 },
    ]) {
      assert.equal(await status(body), 422, JSON.stringify(body).slice(0, 60))
    }
    assert.deepEqual(heard, [])
  })
}
