import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { RefusalError } from '@timers/shared/errors.ts'
import type { FeedQuery, ListQuery } from '@timers/shared/timer/queries.ts'
import { makeEvent } from '../../test/events.ts'
import { VirtualClock } from '../../test/virtual-clock.ts'
import { ReadModel } from './read-model.ts'
import type { StoredPosition, TimerRepository } from './repository.ts'

const list: ListQuery = { tenantId: 'default', labels: [], prefix: '', limit: 5, atLeast: [] }
const feed: FeedQuery = { tenantId: 'default', after: [], prefix: '', limit: 5 }

function position(partition: number, sequence: number, endSeenAtMs = 7000): StoredPosition {
  return { partition, dataId: 'a', build: 'b', sequence, term: 't', storedAtMs: 5000, endSeenAtMs }
}

function refused(code: string, detail: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof RefusalError && error.refusal.code === code && detail.test(error.refusal.detail)
}

describe('ReadModel', () => {
  let clock: VirtualClock
  let positions: StoredPosition[]
  let positionsRead = 0
  let feedsAsked: FeedQuery[]
  let isReady = true
  let cluster: { dataId: string; partitionCount: number } | undefined
  let model: ReadModel

  beforeEach(() => {
    clock = new VirtualClock()
    positions = [position(0, 10), position(1, 4, 6000)]
    positionsRead = 0
    feedsAsked = []
    isReady = true
    cluster = { dataId: 'a', partitionCount: 2 }
    const repository = {
      health: () => ({ ready: isReady, reasons: isReady ? [] : ['away'] }),
      positions: () => {
        positionsRead += 1
        return Promise.resolve(positions)
      },
      list: () => Promise.resolve({ items: [], more: false }),
      timerEvents: () => Promise.resolve({ items: [], more: false }),
      feed: (query: FeedQuery) => {
        feedsAsked.push(query)
        return Promise.resolve({ items: [makeEvent({ sequence: 3 })], more: true })
      },
      stats: () => Promise.resolve({ idle: 0, running: 0, paused: 0, completed: 0 }),
    }
    model = new ReadModel(
      { atLeastWaitMs: 2000, positionsAgeMs: 25, waitingMost: 2 },
      { repository: repository as unknown as TimerRepository, clock, cluster: () => cluster },
    )
  })

  it('answers as of the partition that is furthest behind; of one timer, as of its own', async () => {
    assert.equal((await model.list(list)).asOfMs, 6000)
    assert.equal((await model.stats('default')).asOfMs, 6000)
    assert.equal((await model.feed(feed)).asOfMs, 6000)
    const asOf = new Set<number>()
    for (const timerId of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const page = await model.timerEvents({ tenantId: 'default', timerId, afterVersion: 0, limit: 1 })
      asOf.add(page.asOfMs)
    }
    assert.deepEqual([...asOf].toSorted(), [6000, 7000])
  })

  it('refuses while the repository is away, the cluster unknown or a partition not built', async () => {
    isReady = false
    await assert.rejects(model.list(list), refused('unavailable', /away/))
    assert.equal(positionsRead, 0)
    isReady = true
    cluster = undefined
    await assert.rejects(model.feed(feed), refused('unavailable', /not known/))
    cluster = { dataId: 'a', partitionCount: 3 }
    await assert.rejects(model.list(list), refused('unavailable', /being built/))
    await assert.rejects(model.stats('default'), refused('unavailable', /being built/))
    cluster = { dataId: 'z', partitionCount: 2 }
    const query = { tenantId: 'default', timerId: 'a', afterVersion: 0, limit: 1 }
    await clock.advance(100)
    await assert.rejects(model.timerEvents(query), refused('unavailable', /being built/))
  })

  it('waits for positions until they are stored', async () => {
    let answered = false
    const waiting = model.list({ ...list, atLeast: [{ partition: 0, sequence: 12 }] }).then(() => {
      answered = true
    })
    await clock.advance(500)
    positions = [position(0, 11), position(1, 4)]
    await clock.advance(500)
    assert.equal(answered, false)
    positions = [position(0, 12), position(1, 4)]
    await clock.advance(100)
    await waiting
  })

  it('waits no longer than it may, for no more than it may, and not for a partition that is not there', async () => {
    const atLeast = [{ partition: 0, sequence: 99 }]
    const waiting = [1, 2].map(() =>
      assert.rejects(model.list({ ...list, atLeast }), refused('unavailable', /not that far/)),
    )
    await assert.rejects(model.list({ ...list, atLeast }), refused('unavailable', /too many/))
    await clock.advance(2100)
    await Promise.all(waiting)
    // Two who waited 2 s asked together, at most once in 25 ms.
    assert.ok(positionsRead <= 82, `${positionsRead} times`)
    const none = [{ partition: 2, sequence: 1 }]
    await assert.rejects(model.list({ ...list, atLeast: none }), refused('invalid_value', /partition/))
  })

  it('reads positions once for many who ask at a time', async () => {
    await Promise.all(Array.from({ length: 50 }, () => model.list(list)))
    assert.equal(positionsRead, 1)
    await clock.advance(25)
    await model.list(list)
    assert.equal(positionsRead, 2)
  })

  it('asks for the feed only where there is news', async () => {
    const page = await model.feed({ ...feed, after: [{ partition: 1, sequence: 4 }] })
    assert.deepEqual(feedsAsked[0]?.after, [{ partition: 0, sequence: 0 }])
    assert.deepEqual(page.next, [
      { partition: 0, sequence: 3, index: 0 },
      { partition: 1, sequence: 4 },
    ])
    const end = positions.map(({ partition, sequence }) => ({ partition, sequence }))
    assert.deepEqual(await model.feed({ ...feed, after: end }), {
      events: [],
      more: false,
      next: end,
      asOfMs: 6000,
    })
    assert.equal(feedsAsked.length, 1)
  })
})
