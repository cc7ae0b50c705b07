// What viewers are told, scene by scene: snapshots, resuming, quotas, ticks,
// messages.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Scene, type Watcher } from '../../test/scene.ts'
import { tenantId } from '../../test/world.ts'

function lastAck({ client }: Watcher) {
  const { timers, deleted, missing, more, recovered } = client.ofType('ack').at(-1) as unknown as {
    timers: { id: string; version: number }[]
    deleted: string[]
    missing: string[]
    more: boolean
    recovered: boolean
  }
  return { timers: timers.map(({ id, version }) => `${id}${version}`), deleted, missing, more, recovered }
}

test('a snapshot comes in pages, then changes; a missing timer is told when it is made', async () => {
  using scene = new Scene()
  for (const timerId of ['a', 'aa', 'ab']) scene.change(timerId, ['run'])
  const watcher = scene.watch({ timerIds: ['a', 'aa', 'ab', 'c'] })
  await scene.run(200)
  const acks = watcher.client.ofType('ack')
  assert.deepEqual(
    acks.map(({ more, missing }) => [more, missing]),
    [
      [true, []],
      [false, ['c']],
    ],
  )
  scene.change('c', ['run'])
  await scene.run(50)
  assert.deepEqual([...watcher.client.held.keys()].toSorted(), ['a', 'aa', 'ab', 'c'])
  assert.equal(watcher.client.ofType('timer').length, 1)
})

test('a resume brings what is newer, what is new and what is gone; for ids, prefix and all', async () => {
  for (const selection of [{ timerIds: ['a', 'aa', 'ab', 'c'] }, { prefix: 'a' }, { all: true }] as const) {
    using scene = new Scene()
    scene.change('a', ['run'])
    scene.change('aa', ['run'])
    const before = scene.watch(selection)
    await scene.run(200)
    const known = new Map(before.client.held)
    known.set('elsewhere', 3)
    scene.hub.disconnected(before.viewer)
    scene.change('a', ['pause'])
    scene.change('aa', ['delete'])
    scene.change('ab', ['run'])
    const held = new Map(known)
    const after = scene.watch(selection, undefined, { known })
    await scene.run(200)
    const { timers, deleted, missing, recovered } = lastAck(after)
    assert.equal(recovered, true)
    assert.deepEqual(
      timers.map((timer) => timer.replace(/\d+$/, '')).toSorted(),
      ['a', 'ab'],
      JSON.stringify([...held]),
    )
    assert.deepEqual(deleted.toSorted(), 'all' in selection ? ['aa', 'elsewhere'] : ['aa'])
    assert.deepEqual(missing, 'timerIds' in selection ? ['c'] : [])

    const again = scene.watch(selection, undefined, { known: new Map(scene.truthVersions()) })
    await scene.run(200)
    assert.deepEqual(lastAck(again).timers, [])
    scene.change('a', ['complete'])
    await scene.run(50)
    assert.equal(again.client.ofType('timer').length, 1, 'what it knew it still watches')
  }
})

test('more timers than a subscription may have: refused at once, ended later', async () => {
  using scene = new Scene({ timers: 2 })
  scene.change('a', ['run'])
  scene.change('aa', ['run'])
  const watcher = scene.watch({ prefix: 'a' })
  await scene.run(200)
  assert.deepEqual([watcher.joined, watcher.refusals], [1, []])
  scene.change('b', ['run'])
  await scene.run(50)
  assert.deepEqual(watcher.refusals, [], 'another prefix')
  const all = scene.watch({ all: true })
  await scene.run(200)
  assert.deepEqual(all.refusals, ['quota_exceeded'])
  assert.equal(all.viewer.subscriptions.size, 0)

  scene.change('ab', ['run'])
  await scene.run(50)
  assert.deepEqual(watcher.refusals, ['sub_1 quota_exceeded'])
  scene.change('a', ['pause'])
  await scene.run(50)
  assert.equal(watcher.client.ofType('timer').length, 1, 'nothing after its end')
  assert.deepEqual(scene.hub.partitions, { followed: 0, stale: 0 })
})

test('of overlapping subscriptions each ends alone; what no other selects is forgotten', async () => {
  using scene = new Scene()
  for (const timerId of ['a', 'aa', 'c']) scene.change(timerId, ['run'])
  const watcher = scene.watch({ prefix: 'a' })
  scene.watch({ timerIds: ['aa', 'c'] }, watcher)
  await scene.run(200)
  const seen = async (...timerIds: string[]) => {
    const before = watcher.client.ofType('timer').length
    for (const timerId of timerIds) scene.change(timerId, ['run'])
    await scene.run(50)
    return watcher.client.ofType('timer').length - before
  }
  assert.equal(await seen('a', 'aa', 'c'), 3, 'each once')
  scene.hub.unsubscribe(watcher.viewer, 'sub_2')
  assert.deepEqual([...watcher.viewer.held.keys()].toSorted(), ['a', 'aa'])
  assert.equal(await seen('a', 'aa', 'c'), 2)
  scene.hub.unsubscribe(watcher.viewer, 'sub_1')
  assert.equal(watcher.viewer.held.size, 0)
  assert.equal(await seen('a', 'aa', 'c'), 0)
})

test('deletions make room: only timers that are there count', async () => {
  using scene = new Scene({ timers: 1 })
  scene.change('a', ['run'])
  const watcher = scene.watch({ prefix: 'a' })
  await scene.run(200)
  scene.change('a', ['delete'])
  scene.change('aa', ['run'])
  await scene.run(50)
  assert.deepEqual(watcher.refusals, [])
  assert.deepEqual([...watcher.client.held.keys()], ['aa'])
})

test('so many subscriptions, so many unanswered', async () => {
  using scene = new Scene({ subscriptions: 3, joining: 2 })
  const watcher = scene.watcher()
  for (let i = 0; i < 3; i++) scene.watch({ timerIds: ['a'] }, watcher)
  assert.deepEqual(watcher.refusals, ['rate_limited'])
  await scene.run(200)
  scene.watch({ timerIds: ['a'] }, watcher)
  await scene.run(200)
  scene.watch({ timerIds: ['a'] }, watcher)
  assert.deepEqual(watcher.refusals, ['rate_limited', 'quota_exceeded'])
  assert.equal(scene.hub.unsubscribe(watcher.viewer, 'sub_2'), true)
  assert.equal(scene.hub.unsubscribe(watcher.viewer, 'sub_2'), false)
})

test('ticks: only of the version it holds, only at multiples of what it asked for, only if it asked', async () => {
  using scene = new Scene()
  scene.change('a', ['run'])
  const each = scene.watch({ timerIds: ['a'] }, undefined, { tickMs: 1000 })
  const every5 = scene.watch({ prefix: 'a' }, undefined, { tickMs: 5000 })
  const none = scene.watch({ timerIds: ['a'] })
  await scene.run(200)
  assert.deepEqual(new Set(scene.watches), new Set(['a']))
  assert.equal(scene.hub.watched, 1)
  const version = scene.truth.get('a')?.version ?? 0
  for (let seconds = 12; seconds > 0; seconds--) {
    scene.tick?.([
      { tenantId, timerId: 'a', version, remainingMs: seconds * 1000 },
      { tenantId, timerId: 'a', version: version + 1, remainingMs: seconds * 1000 },
      { tenantId: 'other', timerId: 'a', version, remainingMs: seconds * 1000 },
    ])
    scene.clock.turn()
  }
  const ticks = (watcher: Watcher) => watcher.client.ofType('tick').map(({ remainingMs }) => remainingMs)
  assert.equal(ticks(each).length, 12)
  assert.deepEqual(ticks(every5), [10_000, 5000])
  assert.deepEqual(ticks(none), [])
  assert.equal(scene.hub.counts.ticksDropped, 12 + 2)

  scene.change('aa', ['run'])
  await scene.run(50)
  assert.equal(scene.hub.watched, 2, 'a new timer of the prefix')
  scene.change('aa', ['delete'])
  await scene.run(50)
  assert.equal(scene.hub.watched, 1)
  for (const { viewer } of [each, every5]) scene.hub.disconnected(viewer)
  assert.equal(scene.hub.watched, 0)
  assert.equal(scene.tick, undefined, 'nobody follows ticks any more')
})

test('messages reach the viewers of a timer, each once; those to all, all of the tenant', async () => {
  using scene = new Scene()
  const one = scene.watch({ timerIds: ['a'] })
  scene.watch({ prefix: 'a' }, one)
  const other = scene.watch({ timerIds: ['b'] })
  const foreign = scene.watcher('another')
  scene.watch({ all: true }, foreign)
  await scene.run(200)
  scene.world.of('a').listener?.onMessage({ tenantId, timerId: 'a', kind: 'note', data: '{"x":1}' })
  scene.world.tell?.({ tenantId, kind: 'all', data: '"hello"' })
  scene.clock.turn()
  const got = (watcher: Watcher) => watcher.client.ofType('message').map(({ kind, data }) => [kind, data])
  assert.deepEqual(got(one), [
    ['note', { x: 1 }],
    ['all', 'hello'],
  ])
  assert.deepEqual(got(other), [['all', 'hello']])
  assert.deepEqual(got(foreign), [])
})

test("another tenant's timers of the same ids are never shown", async () => {
  using scene = new Scene()
  const foreign = scene.watch({ all: true }, scene.watcher('another'))
  const ids = scene.watch({ timerIds: ['a'] }, scene.watcher('another'))
  scene.change('a', ['run'])
  await scene.run(200)
  scene.change('a', ['complete'])
  await scene.run(200)
  for (const watcher of [foreign, ids]) assert.deepEqual([...watcher.client.held], [])
})

test('what happens in one turn goes out as one write; the newest state stands for what was not sent', async () => {
  using scene = new Scene()
  for (const timerId of ['a', 'aa', 'ab']) scene.change(timerId, ['run'])
  const watcher = scene.watch({ all: true })
  await scene.run(200)
  const before = watcher.client.writes
  for (const timerId of ['a', 'aa', 'ab']) scene.change(timerId, ['pause', 'run', 'pause'])
  await scene.run(50)
  assert.equal(watcher.client.writes - before, 1)
  assert.equal(watcher.client.ofType('timer').length, 3)
})
