// What a socket refuses, and how: by an error, or by the code it closes with.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, metric, type RealWorld } from '../real-world.ts'
import { SocketClient } from '../socket-client.ts'

export function refusals(world: () => RealWorld): void {
  const open = (): Promise<SocketClient> => SocketClient.open(world().url)

  test('faults of a message with a requestId are all told, and the socket stays', async () => {
    await using client = await open()
    const pointers = async (message: object) => {
      const { type, code, errors } = await client.one(message)
      assert.equal(type, 'error')
      return [code, ...(errors ?? []).map(({ pointer }) => pointer).toSorted()]
    }
    assert.deepEqual(await pointers({ type: 'dance' }), ['invalid_value', '/type'])
    assert.deepEqual(await pointers({}), ['invalid_value', '/type'])
    assert.deepEqual(await pointers({ type: 'ping', extra: 1 }), ['unknown_field', '/extra'])
    assert.deepEqual(await pointers({ type: 'subscribe' }), ['invalid_value', ''])
    assert.deepEqual(await pointers({ type: 'subscribe', all: true, prefix: 'a' }), ['invalid_value', ''])
    assert.deepEqual(await pointers({ type: 'subscribe', timerIds: ['a/b', 7], tickMs: 1500 }), [
      'invalid_value',
      '/tickMs',
      '/timerIds/0',
      '/timerIds/1',
    ])
    assert.deepEqual(await pointers({ type: 'subscribe', timerIds: Array<string>(1001).fill('a') }), [
      'invalid_value',
      '/timerIds',
    ])
    const known = Object.fromEntries(Array.from({ length: 5001 }, (_, n) => [`t${n}`, 1]))
    assert.deepEqual(await pointers({ type: 'subscribe', all: true, known }), ['invalid_value', '/known'])
    assert.deepEqual(await pointers({ type: 'command', timerId: 'a', op: 'add', byMs: 'x', x: 1 }), [
      'invalid_value',
      '/byMs',
      '/x',
    ])
    assert.deepEqual(await pointers({ type: 'command', timerId: 'a', op: 'start', commandId: 'c' }), [
      'invalid_value',
      '/commandId',
    ])
    assert.deepEqual(await pointers({ type: 'unsubscribe', subscriptionId: 'sub_9' }), ['not_found'])
    assert.equal((await client.one({ type: 'ping' })).type, 'ack')
  })

  test('what nobody can be told of ends the connection, by the code that says why', async () => {
    const end = async (bytes: string | Buffer, binary = false) => {
      await using client = await open()
      client.webSocket.send(bytes, { binary })
      return (await client.closed).code
    }
    assert.equal(await end('not json'), 4400)
    assert.equal(await end('[1]'), 4400)
    assert.equal(await end('"text"'), 4400)
    assert.equal(await end('{"type":"dance"}'), 4400)
    assert.equal(await end('{"type":"time","t0":1e400}'), 4400)
    assert.equal(await end('{"type":"ping","requestId":"with space"}'), 4400)
    assert.equal(await end('{"type":"ping","type":"ping"}'), 4400)
    assert.equal(await end('{"a":'.repeat(80) + '1' + '}'.repeat(80)), 4400)
    assert.equal(await end(Buffer.from([0x22, 0xff, 0x22])), 4400)
    assert.equal(await end('{"type":"ping"}', true), 4400)
    assert.equal(await end(JSON.stringify({ type: 'ping', x: 'x'.repeat(1 << 20) })), 4413)
    await eventually(async () => {
      assert.equal(await metric(world().gateway, 'timers_ws_closed_total', 'code="4400"'), 10)
      assert.equal(await metric(world().gateway, 'timers_ws_closed_total', 'code="4413"'), 1)
    })
  })

  test('a refusal without a requestId is told before the end', async () => {
    await using client = await open()
    client.webSocket.send('{"type":"dance"}')
    await client.closed
    assert.deepEqual(
      client.told.map(({ type, code }) => [type, code]),
      [
        ['hello', undefined],
        ['error', 'invalid_value'],
        ['goodbye', 4400],
      ],
    )
  })

  test('a foreign page or host is closed with 4403 and shown nothing', async () => {
    for (const headers of [
      { origin: 'https://evil.example' },
      { host: 'evil.example' },
      { origin: 'null' },
    ]) {
      await using client = await SocketClient.open(world().url, { headers })
      assert.equal((await client.closed).code, 4403)
      assert.deepEqual(
        client.told.map(({ type }) => type),
        ['goodbye'],
      )
    }
    await using own = await SocketClient.open(world().url, { headers: { origin: 'http://localhost:3000' } })
    await own.nextOf('hello')
  })

  test('commands beyond the limit are refused at once, those under way are carried out', async () => {
    await using client = await open()
    await client.command('flood', 'put', { durationMs: 600_000 })
    for (let n = 0; n < 400; n++) {
      client.send({ type: 'command', requestId: `flood-${n}`, timerId: 'flood', op: 'add', byMs: 1 })
    }
    const outcomes = new Map<string, number>()
    for (let n = 0; n < 400; n++) {
      const answer = await client.next(({ requestId }) => requestId?.startsWith('flood-') === true)
      const outcome = answer.type === 'ack' ? 'ack' : String(answer.code)
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
    const done = outcomes.get('ack') ?? 0
    assert.equal(done + (outcomes.get('rate_limited') ?? 0), 400, JSON.stringify([...outcomes]))
    assert.ok(done >= 256)
    const { timer } = await client.command('flood', 'pause')
    assert.equal(timer?.version, done + 2)
  })
}
