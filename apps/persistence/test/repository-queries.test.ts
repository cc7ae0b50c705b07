// What both rooms of the repository answer, in the same order.

import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { FeedPlace, ListQuery } from '@timers/shared/timer/queries.ts'
import { baseMs, makeEvent, makeTimer } from './events.ts'
import { at, list, onBothRooms } from './repository-subject.ts'

onBothRooms('Answers of TimerRepository', (open) => {
  it('brings a timer and its events back exactly', async () => {
    await using subject = await open()
    const labels = Object.fromEntries([
      ['__proto__', 'p'],
      ['a.b', 'dots'],
      ['$where', 'dollar'],
      ['constructor', ''],
    ])
    const full = makeTimer({
      timerId: 'full',
      version: 2 ** 53 - 1,
      labels,
      metadata: '{"a":{"$gt":1}}',
      deadlineMs: 2 ** 53 - 1,
      unknown: { 802: [new Uint8Array([1, 2, 255])] },
    })
    const idle = makeTimer({ timerId: 'idle', state: 'idle', remainingMs: 0, deadlineMs: null })
    const done = makeTimer({
      timerId: 'done',
      state: 'completed',
      remainingMs: 0,
      completedAtMs: baseMs + 1,
      completedBy: 'fire',
    })
    const cause = { actor: { type: 'clock', id: '' }, requestId: '' } as const
    const events = [full, idle, done].map((timer, index) =>
      makeEvent({ sequence: 3, index, timer, cause, type: index === 2 ? 'completed' : 'created' }),
    )
    assert.equal(await subject.apply(events), true)
    const { items } = await subject.repository.list(list)
    assert.deepEqual(items, [done, full, idle])
    for (const event of events) {
      const query = { tenantId: 'default', timerId: event.timer.timerId, afterVersion: 0, limit: 1 }
      const found = await subject.repository.timerEvents(0, query)
      assert.deepEqual(found, { items: [{ ...event, gap: false }], more: false })
    }
  })

  it('hides a deleted timer, keeps its history, and shows it again when it is created again', async () => {
    await using subject = await open()
    await subject.apply([at(1, 'x', 1), at(1, 'y', 1, { index: 1 })])
    await subject.apply([at(2, 'x', 2, { type: 'deleted' })])
    assert.deepEqual(await subject.ids(), ['y'])
    assert.deepEqual(await subject.repository.stats('default'), {
      idle: 0,
      running: 1,
      paused: 0,
      completed: 0,
    })
    await subject.apply([at(1, 'x', 1)])
    assert.deepEqual(await subject.ids(), ['y'])
    await subject.apply([at(3, 'x', 3, { type: 'created' })])
    assert.deepEqual(await subject.ids(), ['x', 'y'])
    assert.deepEqual(await subject.versions('x'), [1, 2, 3])
  })

  it('lists by creation and id, page by page, and by state, labels and prefix', async () => {
    await using subject = await open()
    const made = ['d', 'b', 'a', 'c'].map((timerId, index) =>
      makeTimer({ timerId, createdAtMs: baseMs + (index < 2 ? 0 : 1), labels: { k: 'v', n: timerId } }),
    )
    const others = [
      makeTimer({
        timerId: 'b2',
        createdAtMs: baseMs + 9,
        state: 'paused',
        remainingMs: 5,
        deadlineMs: null,
      }),
      makeTimer({ timerId: 'b~', createdAtMs: baseMs + 10, labels: { k: 'w' } }),
      makeTimer({ timerId: 'b', tenantId: 'other', labels: { k: 'v' } }),
    ]
    await subject.apply([...made, ...others].map((timer, index) => makeEvent({ timer, index })))
    assert.deepEqual(await subject.ids(), ['b', 'd', 'a', 'c', 'b2', 'b~'])

    const paged: string[] = []
    let after: ListQuery['after']
    for (let more = true; more;) {
      const page = await subject.repository.list({ ...list, limit: 2, ...(after && { after }) })
      paged.push(...page.items.map(({ timerId }) => timerId))
      after = page.items.at(-1)
      more = page.more
    }
    assert.deepEqual(paged, ['b', 'd', 'a', 'c', 'b2', 'b~'])

    assert.deepEqual(await subject.ids({ state: 'paused' }), ['b2'])
    assert.deepEqual(await subject.ids({ prefix: 'b' }), ['b', 'b2', 'b~'])
    assert.deepEqual(await subject.ids({ prefix: 'b', state: 'running' }), ['b', 'b~'])
    assert.deepEqual(await subject.ids({ labels: [{ key: 'k', value: 'v' }] }), ['b', 'd', 'a', 'c'])
    const both = [
      { key: 'n', value: 'a' },
      { key: 'k', value: 'v' },
    ]
    assert.deepEqual(await subject.ids({ labels: both }), ['a'])
    assert.deepEqual(await subject.ids({ labels: [{ key: 'n', value: 'k' }] }), [])
    assert.deepEqual(await subject.ids({ labels: [{ key: 'toString', value: '' }] }), [])
    const contradiction = [
      { key: 'k', value: 'v' },
      { key: 'k', value: 'w' },
    ]
    assert.deepEqual(await subject.ids({ labels: contradiction }), [])
    assert.deepEqual(await subject.ids({ tenantId: 'other' }), ['b'])
    assert.deepEqual(await subject.ids({ tenantId: 'nobody' }), [])
    assert.deepEqual(await subject.repository.stats('default'), {
      idle: 0,
      running: 5,
      paused: 1,
      completed: 0,
    })
    assert.deepEqual(await subject.versions('b', 'other'), [1])
  })

  it('pages the events of a timer by version', async () => {
    await using subject = await open()
    await subject.apply([3, 1, 2].map((version, index) => at(1, 'x', version, { index })))
    const query = { tenantId: 'default', timerId: 'x', afterVersion: 1, limit: 1 }
    const page = await subject.repository.timerEvents(0, query)
    assert.deepEqual([page.items.map(({ timer }) => timer.version), page.more], [[2], true])
    const rest = await subject.repository.timerEvents(0, { ...query, afterVersion: 2 })
    assert.deepEqual([rest.items.map(({ timer }) => timer.version), rest.more], [[3], false])
  })

  it('gives the feed by sequence, partition and index, from places on', async () => {
    await using subject = await open()
    const zero = [at(2, 'x', 1), at(2, 'y', 1, { index: 1 }), at(5, 'x', 2, { type: 'completed' })]
    const foreign = makeEvent({ sequence: 6, timer: makeTimer({ tenantId: 'other' }) })
    await subject.apply([...zero, foreign])
    await subject.begin({ partition: 1 })
    await subject.apply([at(2, 'z', 1, { partition: 1 })])
    const feed = async (after: FeedPlace[], over = {}): Promise<string[]> => {
      const query = { tenantId: 'default', after, prefix: '', limit: 500, ...over }
      const { items } = await subject.repository.feed(query)
      return items.map(({ partition, sequence, index }) => `${partition}_${sequence}_${index}`)
    }
    const start = [0, 1].map((partition) => ({ partition, sequence: 0 }))
    assert.deepEqual(await feed(start), ['0_2_0', '0_2_1', '1_2_0', '0_5_0'])
    assert.deepEqual(await feed(start, { limit: 2 }), ['0_2_0', '0_2_1'])
    assert.deepEqual(await feed([{ partition: 0, sequence: 2, index: 0 }]), ['0_2_1', '0_5_0'])
    assert.deepEqual(await feed([{ partition: 0, sequence: 2 }]), ['0_5_0'])
    assert.deepEqual(await feed(start, { type: 'completed' }), ['0_5_0'])
    assert.deepEqual(await feed(start, { prefix: 'y' }), ['0_2_1'])
  })
})
