// What both rooms of the repository keep, guard and forget.

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { baseMs } from './events.ts'
import { at, list, onBothRooms } from './repository-subject.ts'

onBothRooms('TimerRepository', (open) => {
  it('keeps the position with its term and mark; a repeat changes nothing and says so', async () => {
    await using subject = await open()
    const batch = [at(2, 'x', 1), at(2, 'x', 2, { index: 1 })]
    assert.equal(await subject.apply(batch), true)
    const [position] = await subject.repository.positions()
    assert.deepEqual(position, {
      partition: 0,
      dataId: 'a',
      build: subject.build,
      sequence: 2,
      term: 't1',
      storedAtMs: baseMs,
      endSeenAtMs: 0,
    })
    assert.equal(await subject.apply(batch), false)
    assert.deepEqual(await subject.versions('x'), [1, 2])
    assert.deepEqual(await subject.repository.position(0), position)
    assert.equal(await subject.repository.position(1), undefined)
  })

  it('never lets an older version, batch or build win', async () => {
    await using subject = await open()
    const versions = async (): Promise<number[]> =>
      (await subject.repository.list(list)).items.map(({ version }) => version)
    assert.equal(await subject.apply([at(9, 'x', 9)]), true)
    assert.equal(await subject.apply([at(5, 'x', 5)]), false)
    assert.equal(await subject.apply([at(9, 'x', 12)]), false)
    assert.deepEqual(await versions(), [9])
    assert.equal((await subject.repository.position(0))?.sequence, 9)
    assert.equal(await subject.apply([at(10, 'x', 10)], { build: 'another' }), false)
    assert.equal(await subject.apply([at(10, 'x', 10)], { dataId: 'another' }), false)
    assert.equal((await subject.repository.position(0))?.sequence, 9)
    assert.equal(await subject.apply([at(10, 'x', 8)]), true)
    assert.deepEqual(await versions(), [9])
    assert.equal(await subject.apply([at(11, 'x', 10)]), true)
    assert.deepEqual(await versions(), [10])
  })

  it('rebuilds: what is read again goes, what is older stays, and a gap is told', async () => {
    await using subject = await open()
    await subject.apply([at(3, 'old', 1)])
    await subject.apply([at(7, 'x', 5), at(8, 'old', 2)])
    const build = subject.build
    await subject.begin({ first: 7, term: 't9', gap: { from: 4, to: 6 } })
    assert.notEqual(subject.build, build)
    const position = await subject.repository.position(0)
    assert.deepEqual(
      [position?.sequence, position?.term, position?.storedAtMs, position?.endSeenAtMs],
      [6, 't9', undefined, 0],
    )
    assert.deepEqual(await subject.versions('x'), [])
    assert.deepEqual(await subject.versions('old'), [1])
    assert.equal(await subject.apply([at(9, 'x', 9)], { build }), false)

    // The log has another history now: lower versions than those that went.
    await subject.apply([at(7, 'x', 1), at(8, 'old', 2)])
    const query = { tenantId: 'default', timerId: 'old', afterVersion: 0, limit: 500 }
    const told = await subject.repository.timerEvents(0, query)
    assert.deepEqual(
      told.items.map(({ timer, gap }) => [timer.version, gap]),
      [
        [1, false],
        [2, true],
      ],
    )
    const second = await subject.repository.timerEvents(0, { ...query, afterVersion: 1 })
    assert.deepEqual(
      second.items.map(({ gap }) => gap),
      [true],
    )
    const feed = { tenantId: 'default', after: [{ partition: 0, sequence: 7 }], prefix: '', limit: 500 }
    const { items } = await subject.repository.feed(feed)
    assert.deepEqual(
      items.map(({ gap }) => gap),
      [false],
    )
  })

  it('rebuilds for other data: nothing of the partition stays, others are not touched', async () => {
    await using subject = await open()
    await subject.begin({ partition: 1 })
    await subject.apply([at(2, 'other', 1, { partition: 1 })])
    await subject.begin({ partition: 10 })
    await subject.apply([at(2, 'ten', 1, { partition: 10 })])
    await subject.begin({ first: 3, clearFrom: 0, dataId: 'b', gap: { from: 1, to: 2 } })
    await subject.apply([at(3, 'x', 9)], { dataId: 'b' })
    await subject.begin({ first: 1, clearFrom: 0, dataId: 'c' })
    assert.deepEqual(await subject.ids(), ['other', 'ten'])
    assert.deepEqual(await subject.versions('x'), [])
    await subject.apply([at(3, 'x', 1)], { dataId: 'c' })
    const query = { tenantId: 'default', timerId: 'x', afterVersion: 0, limit: 1 }
    assert.equal((await subject.repository.timerEvents(0, query)).items[0]?.gap, false)
    assert.equal((await subject.repository.timerEvents(1, { ...query, timerId: 'other' })).items.length, 1)
  })

  it('rebuilds once when two want to', async () => {
    await using subject = await open()
    const rebuild = {
      partition: 0,
      dataId: 'a',
      first: 1,
      clearFrom: 1,
      term: undefined,
      gap: undefined,
      replaces: subject.build,
    }
    await subject.repository.rebuild(rebuild)
    await subject.begin({ replaces: subject.build })
    const build = subject.build
    await subject.apply([at(1, 'x', 1)])
    await subject.repository.rebuild(rebuild)
    await subject.repository.rebuild({ ...rebuild, replaces: undefined })
    assert.equal((await subject.repository.position(0))?.build, build)
    assert.deepEqual(await subject.ids(), ['x'])
  })

  it('lets the end that was seen only grow, within its build', async () => {
    await using subject = await open()
    const { build, repository } = subject
    await repository.sawEnds([{ partition: 0, build, endSeenAtMs: 50 }])
    await repository.sawEnds([{ partition: 0, build, endSeenAtMs: 40 }])
    await repository.sawEnds([{ partition: 0, build: 'another', endSeenAtMs: 90 }])
    await repository.sawEnds([{ partition: 5, build, endSeenAtMs: 90 }])
    const positions = await repository.positions()
    assert.deepEqual(
      positions.map(({ endSeenAtMs }) => endSeenAtMs),
      [50],
    )
  })

  it('sets poison aside once, also when it comes again', async () => {
    await using subject = await open()
    const poison = [{ sequence: 4, reason: 'not a record', data: new Uint8Array([0, 255]) }]
    const place = { sequence: 4, term: 't1', storedAtMs: 1 }
    assert.equal(await subject.apply([], { poison, place }), true)
    assert.equal(await subject.apply([], { poison, place }), false)
    assert.equal((await subject.repository.position(0))?.sequence, 4)
  })
})
