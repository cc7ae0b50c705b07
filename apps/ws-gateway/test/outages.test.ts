// What viewers see when the gateway is cut off from NATS, when an owner dies, when they do not read, and
// when the gateway goes.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { connect } from 'node:net'
import { startGuard } from '@timers/dev/guard.ts'
import { startService } from '@timers/dev/service.ts'
import { startWire } from './cut.ts'
import { eventually, metric, startRealWorld, type RealWorld } from './real-world.ts'
import { SocketClient } from './socket-client.ts'
import { StreamClient } from './stream-client.ts'

let world: RealWorld
before(async () => {
  world = await startRealWorld()
})
after(() => world[Symbol.asyncDispose]())

test('cut off from NATS: stale after 3 s; then all that happened is read from the log, and nothing twice', async () => {
  await using wire = await startWire(Number(new URL(world.cluster.natsUrl).port))
  await using stack = new AsyncDisposableStack()
  const guard = stack.use(startGuard())
  const env = { NATS_URL: `nats://127.0.0.1:${wire.port}` }
  const gateway = stack.use(await startService({ role: 'ws-gateway', name: 'cut-off', env }, { guard }))
  await gateway.ready()
  await world.api('PUT', '/v1/timers/cut-a', { durationMs: 60_000 })
  await world.api('PUT', '/v1/timers/cut-b', { durationMs: 60_000 })
  await using viewer = await SocketClient.open(gateway.http ?? '')
  await viewer.ask({ type: 'subscribe', prefix: 'cut-' })
  await viewer.ask({ type: 'subscribe', timerIds: ['cut-c'] })

  wire.cut()
  for (const op of ['pause', 'start', 'reset']) await world.api('POST', `/v1/timers/cut-a/${op}`)
  await world.api('PUT', '/v1/timers/cut-c', { durationMs: 100 })
  await world.api('DELETE', '/v1/timers/cut-b')
  const stale = [await viewer.nextOf('stale'), await viewer.nextOf('stale')]
  assert.deepEqual(
    stale.map(({ all, timerIds, stale }) => [all ?? timerIds, stale]).toSorted(),
    [
      [['cut-c'], true],
      [true, true],
    ].toSorted(),
  )
  assert.equal((await fetch(`${gateway.ops}/readyz`)).status, 503)
  const told = viewer.told.length

  wire.mend()
  const fresh = [
    await viewer.next(({ stale }) => stale === false),
    await viewer.next(({ stale }) => stale === false),
  ]
  assert.ok(fresh.length === 2)
  const since = viewer.told.slice(told)
  const changes = since.map(
    ({ type, timer, timerId, cause }) => `${type} ${timer?.id ?? String(timerId)} ${cause?.type ?? ''}`,
  )
  assert.ok(changes.includes('timer cut-c timer.completed'), changes.join())
  assert.ok(changes.includes('deleted cut-b timer.deleted'), changes.join())
  const versions = since.flatMap(({ timer }) => (timer?.id === 'cut-a' ? [timer.version] : []))
  assert.equal(versions.at(-1), 4)
  assert.deepEqual(versions, [...new Set(versions)].toSorted())
  assert.ok((await metric(gateway, 'timers_ws_backfills_total')) > 0)
  assert.equal(await metric(gateway, 'timers_ws_rescans_total'), 0)
  await gateway.ready()
})

test('the owner dies: its viewers see the timer fire on the next one, once', async () => {
  await using viewer = await SocketClient.open(world.url)
  const ids = Array.from({ length: 20 }, (_, n) => `owned-${n}`)
  await viewer.ask({ type: 'subscribe', timerIds: ids })
  await world.api('POST', '/v1/commands', {
    commands: ids.map((timerId) => ({ timerId, op: 'put', durationMs: 1500 })),
  })
  await world.cluster.service('timer-core', 1).kill()
  const fired: string[] = []
  while (fired.length < ids.length) {
    const { timer } = await viewer.next(({ cause }) => cause?.type === 'timer.completed')
    fired.push(timer?.id ?? '')
  }
  await world.cluster.service('timer-core', 1).restart()
  await world.gateway.ready()
  await viewer.one({ type: 'ping' })
  assert.deepEqual(fired.toSorted(), ids.toSorted())
  assert.equal(viewer.told.filter(({ cause }) => cause?.type === 'timer.completed').length, ids.length)
})

test('nats-server restarts: viewers go on, and miss nothing', async () => {
  await using viewer = await SocketClient.open(world.url)
  await viewer.ask({ type: 'subscribe', timerIds: ['nats-a'] })
  await world.cluster.nats?.restart()
  await eventually(() => world.api('PUT', '/v1/timers/nats-a', { durationMs: 300 }).then(() => undefined))
  const { timer } = await viewer.next(({ cause }) => cause?.type === 'timer.completed')
  assert.equal(timer?.id, 'nats-a')
  await world.gateway.ready()
})

test('viewers that do not read are closed with 4503 and cut off; others are served meanwhile', async () => {
  const ids = Array.from({ length: 100 }, (_, n) => `slow-${n}`)
  const metadata = { text: 'x'.repeat(4000) }
  const puts = ids.map((timerId) => ({ timerId, op: 'put', durationMs: 600_000, metadata }))
  await world.api('POST', '/v1/commands', { commands: puts })
  // Raw, so that it truly does not read: a masked text frame, then silence.
  const port = Number(new URL(world.url).port)
  const [socket, stream] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
  for (const raw of [socket, stream]) raw.on('error', () => undefined).pause()
  stream.write('GET /v1/stream?prefix=slow- HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13'
  socket.write(
    `GET /v1/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n\r\n`,
  )
  const subscribe = Buffer.from(JSON.stringify({ type: 'subscribe', requestId: 'r', prefix: 'slow-' }))
  socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | subscribe.length, 0, 0, 0, 0]), subscribe]))
  await using quick = await SocketClient.open(world.url)
  await quick.ask({ type: 'subscribe', prefix: 'slow-' })

  const closed = async () => (await metric(world.gateway, 'timers_ws_closed_total', 'code="4503"')) || 0
  const connections = (kind: string) => metric(world.gateway, 'timers_ws_connections', `kind="${kind}"`)
  const before = await closed()
  const untilMs = performance.now() + 45_000
  for (let round = 0; performance.now() < untilMs; round++) {
    const updates = ids.map((timerId) => ({ timerId, op: 'update', title: `round ${round}` }))
    await world.api('POST', '/v1/commands', { commands: updates })
    await quick.next(({ timer }) => timer?.title === `round ${round}`)
    if ((await closed()) === before + 2 && (await connections('stream')) === 0) break
  }
  assert.equal(await closed(), before + 2)
  assert.deepEqual([await connections('socket'), await connections('stream')], [1, 0])
  assert.ok((await metric(world.gateway, 'timers_event_loop_delay_seconds', 'quantile="0.5"')) < 1)
  for (const raw of [socket, stream]) raw.destroy()
})

test('stopped, it says goodbye with 4510 and when to come back, to sockets and streams', async () => {
  await using viewer = await SocketClient.open(world.url)
  await using stream = await StreamClient.open(world.url, 'timer=bye')
  await viewer.nextOf('hello')
  await stream.next('snapshot')
  const stopped = world.gateway.stop()
  const { code, retryAfterMs } = await viewer.nextOf('goodbye')
  assert.equal(code, 4510)
  assert.ok(Number(retryAfterMs) >= 500 && Number(retryAfterMs) <= 5000)
  const closed = await viewer.closed
  assert.equal(closed.code, 4510)
  assert.match(closed.reason, /retryAfterMs=\d+/)
  assert.equal((await stream.next('goodbye')).data?.code, 4510)
  await stream.end()
  assert.match(stream.events.at(-1)?.retry ?? '', /^\d+$/)
  await stopped
  const exit = await world.gateway.process.exited
  assert.deepEqual([exit.code, exit.signal], [0, null])
  await world.gateway.restart()
  await world.gateway.ready()
})
