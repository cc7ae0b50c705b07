// When something is wrong or ends: owners unheard, messages lost, logs cut, viewers that do not read or go.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Scene, type Watcher } from '../../test/scene.ts'

test('an owner unheard for 3 s: stale, for named timers and for all; heard again and caught up: no longer', async () => {
  using scene = new Scene()
  const named = scene.watch({ timerIds: ['a', 'b'] })
  const all = scene.watch({ all: true })
  await scene.run(200)
  await scene.quiet(2900)
  assert.deepEqual(named.client.ofType('stale'), [])
  scene.change('a', ['run'])
  await scene.quiet(400)
  const stale = (watcher: Watcher) =>
    watcher.client.ofType('stale').map(({ stale, all, timerIds }) => [stale, all ?? timerIds])
  assert.deepEqual(stale(named).flat(2).toSorted(), ['a', 'b', true].toSorted())
  assert.deepEqual(stale(all), [[true, true]])
  assert.ok(scene.hub.partitions.stale > 0)

  // What was published meanwhile is lost: the viewers learn of it before they are told that all is well.
  for (const partition of scene.world.partitions) partition.inFlight.length = 0
  await scene.run(1000)
  assert.equal(scene.hub.partitions.stale, 0)
  assert.deepEqual(stale(all), [
    [true, true],
    [false, true],
  ])
  const types = all.client.told.map(({ type }) => type)
  assert.ok(types.indexOf('timer') < types.lastIndexOf('stale'), types.join())
  assert.equal(scene.hub.counts.rescans, 0)
})

test('a lost last message is told within 800 ms, by one read of the log and no scan', async () => {
  using scene = new Scene()
  const watcher = scene.watch({ timerIds: ['a'] })
  await scene.run(200)
  const { scans } = scene.world
  scene.change('a', ['complete'])
  scene.world.of('a').inFlight.length = 0
  await scene.run(800)
  assert.equal(watcher.client.states.get('a'), 'completed')
  assert.deepEqual([scene.world.reads, scene.world.scans - scans, scene.hub.counts.backfills], [1, 0, 1])
})

test('a log that lost its end: what never was is taken back', async () => {
  using scene = new Scene()
  scene.change('a', ['run'])
  const watcher = scene.watch({ timerIds: ['a', 'c'] })
  await scene.run(200)
  const partition = scene.world.of('a')
  const kept = partition.last
  scene.change('a', ['complete'])
  await scene.run(50)
  assert.equal(watcher.client.states.get('a'), 'completed')
  watcher.client.inOrder = false
  partition.rewind(kept)
  await scene.run(5000)
  assert.equal(watcher.client.states.get('a'), 'running')
  assert.equal(scene.hub.counts.rescans, 1)
})

test('a viewer that takes nothing is skipped, and after 10 s closed with the advice to come back', async () => {
  using scene = new Scene()
  const slow = scene.watch({ all: true })
  const quick = scene.watch({ all: true })
  await scene.run(200)
  slow.client.full = true
  scene.change('a', ['run'])
  await scene.run(50)
  const { writes } = slow.client
  for (let n = 0; n < 100; n++) {
    scene.change('a', ['run'])
    await scene.run(50)
  }
  assert.equal(slow.client.writes, writes)
  assert.equal(slow.client.ended, undefined)
  scene.hub.drained(slow.viewer)
  scene.clock.turn()
  assert.equal(slow.client.writes, writes + 1)
  assert.equal(slow.client.held.get('a'), scene.truth.get('a')?.version, 'the newest of them')
  await scene.run(11_000)
  assert.deepEqual(slow.client.ended, { code: 4503, retryAfterMs: 5000 })
  assert.equal(slow.client.told.at(-1)?.type, 'goodbye')
  assert.equal(quick.client.held.get('a'), scene.truth.get('a')?.version)
  assert.equal(scene.hub.connections, 1)
})

test('what a slow viewer leaves unread is bounded', async () => {
  using scene = new Scene({ outboxMessages: 10 })
  const slow = scene.watch({ all: true })
  await scene.run(200)
  slow.client.full = true
  scene.change('a', ['run'])
  await scene.run(50)
  for (let n = 0; n < 20; n++) scene.change('a', ['run', 'complete'])
  await scene.run(50)
  assert.equal(slow.client.ended?.code, 4503)
  assert.equal(slow.viewer.outbox.isEmpty(), true)
})

test('heartbeats come every 15 s; a farewell says when to come back', async () => {
  using scene = new Scene()
  const watchers = [scene.watcher(), scene.watcher()]
  await scene.run(45_000)
  for (const { client } of watchers) assert.equal(client.ofType('heartbeat').length, 3)
  scene.hub.drain()
  for (const { client } of watchers) {
    const goodbye = client.told.at(-1)
    assert.deepEqual([goodbye?.type, goodbye?.['code']], ['goodbye', 4510])
    const retryAfterMs = Number(goodbye?.['retryAfterMs'])
    assert.ok(retryAfterMs >= 500 && retryAfterMs <= 5000)
    assert.deepEqual(client.ended, { code: 4510, retryAfterMs })
  }
  assert.equal(scene.hub.connections, 0)
})

test('so many connections and no more', () => {
  using scene = new Scene({ connections: 2 })
  const [first] = [scene.watcher(), scene.watcher()]
  assert.throws(() => scene.watcher())
  scene.hub.disconnected(first.viewer)
  scene.watcher()
})

test('an owner that cannot be asked: refused as unavailable within the time of a join', async () => {
  using scene = new Scene()
  const watcher = scene.watch({ timerIds: ['a'] })
  for (let passed = 0; passed < 16_000; passed += 100) {
    for (const waiting of [...scene.world.waiting]) {
      if (waiting.what === 'page') waiting.refuse()
      else waiting.proceed()
    }
    await scene.quiet(100)
    if (watcher.refusals.length > 0) break
  }
  assert.deepEqual(watcher.refusals, ['unavailable'])
  assert.ok(scene.clock.monotonicMs() <= 14_000, `${scene.clock.monotonicMs()} ms`)
  assert.equal(scene.hub.partitions.followed, 0)
})

test('a viewer that goes while it joins leaves nothing behind', async () => {
  const scene = new Scene()
  const watcher = scene.watch({ all: true }, undefined, { tickMs: 1000 })
  scene.hub.disconnected(watcher.viewer)
  await scene.run(300)
  assert.deepEqual([watcher.joined, watcher.refusals], [0, []])
  assert.deepEqual([scene.hub.connections, scene.hub.subscriptions, scene.hub.watched], [0, 0, 0])
  assert.equal(scene.hub.partitions.followed, 0)
  scene[Symbol.dispose]()
  assert.equal(scene.clock.idle, true)
})
