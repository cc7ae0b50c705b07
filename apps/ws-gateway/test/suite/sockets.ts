// The socket's protocol, as contract.md's clients see it, over real servers.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, metric, type RealWorld } from '../real-world.ts'
import { SocketClient } from '../socket-client.ts'

export function sockets(world: () => RealWorld): void {
  const open = (): Promise<SocketClient> => SocketClient.open(world().url)

  test('hello tells the protocol, the connection, the data and the limits', async () => {
    await using client = await SocketClient.open(world().url, {}, ['timers.v1.json'])
    assert.equal(client.webSocket.protocol, 'timers.v1.json')
    const hello = await client.nextOf('hello')
    assert.deepEqual(
      [hello['protocol'], hello['heartbeatMs'], typeof hello['connectionId'], typeof hello['dataId']],
      ['timers.v1', 15_000, 'string', 'string'],
    )
    const limits = hello['limits'] as Record<string, number>
    assert.deepEqual([limits['timerIds'], limits['known'], limits['timers']], [1000, 5000, 10_000])
    await using plain = await SocketClient.open(world().url)
    assert.equal(plain.webSocket.protocol, '')
  })

  test('a timer of 3 s: snapshot, ticks, completion; every change with its cause', async () => {
    await using viewer = await open()
    await using actor = await open()
    const [joined] = await viewer.ask({ type: 'subscribe', timerIds: ['tea'], tickMs: 1000 })
    assert.deepEqual(
      [joined?.timers, joined?.['missing'], joined?.['recovered'], joined?.['more']],
      [[], ['tea'], false, false],
    )

    const put = await actor.one({
      type: 'command',
      timerId: 'tea',
      op: 'put',
      durationMs: 3000,
      title: 'Tea',
      requestId: 'put-1',
    })
    assert.deepEqual([put.type, put['changed']], ['ack', true])
    assert.match(String(put['position']), /^\d+-\d+$/)
    const created = await viewer.nextOf('timer')
    assert.deepEqual(created.timer, put.timer)
    assert.deepEqual(created.cause, {
      type: 'timer.created',
      actor: { type: 'operator', id: 'local' },
      requestId: 'put-1',
    })

    const ticks = [(await viewer.nextOf('tick'))['remainingMs'], (await viewer.nextOf('tick'))['remainingMs']]
    assert.deepEqual(ticks, [2000, 1000])
    const fired = await viewer.nextOf('timer')
    assert.equal(fired.cause?.type, 'timer.completed')
    const { completedAt, deadline, completedBy, version } = fired.timer ?? assert.fail()
    assert.deepEqual([completedBy, version], ['fire', 2])
    const latenessMs = Date.parse(completedAt ?? '') - Date.parse(deadline ?? '')
    assert.ok(latenessMs >= 0 && latenessMs < 1000, `${latenessMs} ms late`)
  })

  test('every operation is a command; no-ops, refusals and deletions are answered for what they are', async () => {
    await using client = await open()
    const state = async (op: string, fields?: object) =>
      (await client.command('ops', op, fields)).timer?.state
    assert.equal(await state('put', { durationMs: 60_000, autostart: false }), 'idle')
    assert.equal(await state('start'), 'running')
    assert.equal(await state('resume'), 'running')
    assert.equal(await state('pause'), 'paused')
    assert.equal(await state('add', { byMs: 1000 }), 'paused')
    assert.equal(await state('multiply', { factor: 2 }), 'paused')
    assert.equal(await state('set', { remainingMs: 5000 }), 'paused')
    assert.equal(await state('update', { title: 'new', labels: { a: 'b' } }), 'paused')
    assert.equal(await state('restart'), 'running')
    assert.equal(await state('extendIfWithin', { windowMs: 100_000, byMs: 1000 }), 'running')
    assert.equal(await state('reset'), 'idle')

    const noop = await client.command('ops', 'pause')
    assert.deepEqual([noop.type, noop['changed']], ['ack', false])
    const stale = await client.command('ops', 'start', { ifVersion: 1 })
    assert.deepEqual([stale.type, stale.code], ['error', 'version_mismatch'])
    const absent = await client.command('nobody', 'start')
    assert.deepEqual([absent.type, absent.code], ['error', 'not_found'])
    const exists = await client.command('ops', 'put', { durationMs: 1, ifAbsent: true })
    assert.equal(exists.code, 'already_exists')
    const gone = await client.command('ops', 'delete')
    assert.deepEqual(gone.deleted, { timerId: 'ops', version: (noop.timer?.version ?? 0) + 1 })
    assert.equal(gone.timer, undefined)
  })

  test('time, ping and auth', async () => {
    await using client = await open()
    client.send({ type: 'time', t0: 12.5 })
    const { t0, t1, t2, errorMs } = await client.nextOf('time')
    assert.equal(t0, 12.5)
    assert.ok(Math.abs(Number(t1) - Date.now()) < 5000 && Number(t2) >= Number(t1) && Number(errorMs) >= 0)
    client.send({ type: 'ping' })
    await client.nextOf('heartbeat')
    client.send({ type: 'auth', token: 'anything' })
    assert.equal((await client.nextOf('ack')).requestId, undefined)
    assert.equal((await client.one({ type: 'auth', token: 'x' })).type, 'ack')
  })

  test('a resume on a new connection brings what happened in between', async () => {
    await using first = await open()
    for (const id of ['res-a', 'res-b', 'res-c']) await first.command(id, 'put', { durationMs: 60_000 })
    const [joined] = await first.ask({ type: 'subscribe', prefix: 'res-' })
    const known = Object.fromEntries((joined?.timers ?? []).map(({ id, version }) => [id, version]))
    assert.equal(Object.keys(known).length, 3)
    await first[Symbol.asyncDispose]()

    await using second = await open()
    await second.command('res-a', 'pause')
    await second.command('res-b', 'delete')
    await second.command('res-d', 'put', { durationMs: 60_000 })
    for (const selection of [
      { prefix: 'res-' },
      { timerIds: ['res-a', 'res-b', 'res-c', 'res-d', 'res-e'] },
    ]) {
      const [again] = await second.ask({ type: 'subscribe', ...selection, known })
      assert.equal(again?.['recovered'], true)
      assert.deepEqual((again.timers ?? []).map(({ id }) => id).toSorted(), ['res-a', 'res-d'])
      assert.deepEqual(again.deleted, ['res-b'])
      assert.deepEqual(again['missing'], 'timerIds' in selection ? ['res-e'] : [])
    }
  })

  test('1,200 timers come in pages of at most 500; unsubscribed, nothing more comes', async () => {
    await using client = await open()
    const commands = Array.from({ length: 1200 }, (_, n) => ({
      timerId: `many-${n}`,
      op: 'put',
      durationMs: 600_000,
    }))
    await world().api('POST', '/v1/commands', { commands: commands.slice(0, 600) })
    await world().api('POST', '/v1/commands', { commands: commands.slice(600) })
    const pages = await client.ask({ type: 'subscribe', prefix: 'many-' })
    const { subscriptionId } = pages[0] ?? {}
    assert.deepEqual(
      pages.map(({ timers, more }) => [timers?.length, more]),
      [
        [500, true],
        [500, true],
        [200, false],
      ],
    )
    assert.equal(new Set(pages.flatMap(({ timers }) => (timers ?? []).map(({ id }) => id))).size, 1200)
    assert.equal((await client.one({ type: 'unsubscribe', subscriptionId })).type, 'ack')
    await client.command('many-0', 'pause')
    await client.one({ type: 'ping' })
    assert.ok(!client.told.some(({ type }) => type === 'timer'))
  })

  test('messages reach the viewers of a timer, and those of the tenant', async () => {
    await using near = await open()
    await using far = await open()
    await near.command('msg', 'put', { durationMs: 60_000 })
    await near.ask({ type: 'subscribe', timerIds: ['msg'] })
    await far.ask({ type: 'subscribe', timerIds: ['other'] })
    await world().api('POST', '/v1/timers/msg/messages', { kind: 'note', data: { text: 'hi' } })
    const note = await near.nextOf('message')
    assert.deepEqual([note['timerId'], note['kind'], note['data']], ['msg', 'note', { text: 'hi' }])
    await world().api('POST', '/v1/messages', { kind: 'all', data: 7 })
    assert.deepEqual((await far.nextOf('message'))['data'], 7)
    assert.deepEqual((await near.nextOf('message'))['data'], 7)
    assert.equal(far.told.filter(({ type }) => type === 'message').length, 1)
  })

  test('what an operator sees', async () => {
    await using client = await open()
    await client.ask({ type: 'subscribe', timerIds: ['ops-1', 'ops-2'], tickMs: 1000 })
    await client.one({ type: 'dance' })
    await eventually(async () => {
      assert.ok((await metric(world().gateway, 'timers_ws_connections', 'kind="socket"')) >= 1)
      assert.ok((await metric(world().gateway, 'timers_ws_subscriptions')) >= 1)
      assert.ok((await metric(world().gateway, 'timers_ws_frames_total')) > 10)
      assert.equal(await metric(world().gateway, 'timers_partition_unowned'), 0)
      assert.ok((await metric(world().gateway, 'timers_ws_refused_total', 'why="invalid_value"')) >= 1)
    })
    assert.equal((await fetch(`${world().gateway.ops}/readyz`)).status, 200)
  })
}
