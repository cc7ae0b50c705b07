import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  FeedPlace as PbFeedPlace,
  ListFeedRequest,
  ListFeedResponse,
  ListTimerEventsRequest,
  ListTimersRequest,
  ListTimersResponse,
  StatsResponse,
} from '@timers/proto/timers/core/v1/queries.ts'
import type { AuditEvent, FeedPage, FeedQuery, ListQuery } from '../timer/queries.ts'
import type { Timer } from '../timer/timer.ts'
import {
  eventPageFromWire,
  eventPageToWire,
  feedPageFromWire,
  feedPageToWire,
  feedQueryFromWire,
  feedQueryToWire,
  listQueryFromWire,
  listQueryToWire,
  statsFromWire,
  statsQueryFromWire,
  statsToWire,
  timerEventsQueryFromWire,
  timerEventsQueryToWire,
  timerPageFromWire,
  timerPageToWire,
} from './query-wire.ts'
import { WireError } from './wire-error.ts'

const timer: Timer = {
  tenantId: 'default',
  timerId: 'tea',
  version: 2 ** 53 - 1,
  state: 'running',
  title: 'Tea',
  durationMs: 60_000,
  remainingMs: null,
  deadlineMs: 1_700_000_060_000,
  labels: { room: 'a.b' },
  metadata: '{"a":1}',
  retentionMs: 1000,
  createdAtMs: 1_700_000_000_000,
  updatedAtMs: 1_700_000_000_000,
  completedAtMs: null,
  completedBy: null,
}
const event: AuditEvent = {
  partition: 3,
  sequence: 7,
  index: 1,
  type: 'created',
  timer,
  occurredAtMs: 1_700_000_000_000,
  cause: { actor: { type: 'operator', id: 'local' }, requestId: 'r1' },
  gap: true,
}
const listQuery: ListQuery = {
  tenantId: 'default',
  state: 'paused',
  labels: [
    { key: 'a', value: 'x' },
    { key: 'a', value: '' },
  ],
  prefix: 'te',
  limit: 500,
  after: { createdAtMs: 5, timerId: 'tea' },
  atLeast: [{ partition: 0, sequence: 9 }],
}
const feedQuery: FeedQuery = {
  tenantId: 'default',
  after: [
    { partition: 1, sequence: 4, index: 0 },
    { partition: 2, sequence: 6 },
  ],
  type: 'completed',
  prefix: '',
  limit: 1,
}

describe('query-wire', () => {
  it('brings questions back as they were, over bytes', () => {
    const list = ListTimersRequest.encode(listQueryToWire(listQuery)).finish()
    assert.deepEqual(listQueryFromWire(ListTimersRequest.decode(list)), listQuery)
    const plain: ListQuery = { tenantId: 'a', labels: [], prefix: '', limit: 1, atLeast: [] }
    const plainBytes = ListTimersRequest.encode(listQueryToWire(plain)).finish()
    assert.deepEqual(listQueryFromWire(ListTimersRequest.decode(plainBytes)), plain)

    const feed = ListFeedRequest.encode(feedQueryToWire(feedQuery)).finish()
    assert.deepEqual(feedQueryFromWire(ListFeedRequest.decode(feed)), feedQuery)

    const events = { tenantId: 'a', timerId: 'b', afterVersion: 0, limit: 50 }
    const eventsBytes = ListTimerEventsRequest.encode(timerEventsQueryToWire(events)).finish()
    assert.deepEqual(timerEventsQueryFromWire(ListTimerEventsRequest.decode(eventsBytes)), events)
    assert.deepEqual(statsQueryFromWire({ tenantId: 'a' }), { tenantId: 'a' })
  })

  it('brings answers back as they were, over bytes', () => {
    const page = { timers: [timer], more: true, asOfMs: 17 }
    const bytes = ListTimersResponse.encode(timerPageToWire(page)).finish()
    const got = timerPageFromWire(ListTimersResponse.decode(bytes))
    assert.deepEqual(got, page)

    const events = { events: [event, { ...event, gap: false }], more: false, asOfMs: 18 }
    assert.deepEqual(eventPageFromWire(eventPageToWire(events)), events)

    const feed: FeedPage = { ...events, next: [{ partition: 3, sequence: 7, index: 1 }] }
    const feedBytes = ListFeedResponse.encode(feedPageToWire(feed)).finish()
    assert.deepEqual(feedPageFromWire(ListFeedResponse.decode(feedBytes)), feed)

    const stats = { byState: { idle: 1, running: 2, paused: 3, completed: 4 }, asOfMs: 19 }
    assert.deepEqual(
      statsFromWire(StatsResponse.decode(StatsResponse.encode(statsToWire(stats)).finish())),
      stats,
    )
  })

  it('tells an index of 0 from none', () => {
    const whole = PbFeedPlace.decode(
      PbFeedPlace.encode({ partition: 1, sequence: 4, index: undefined }).finish(),
    )
    assert.deepEqual(feedQueryFromWire({ ...feedQueryToWire(feedQuery), after: [whole] }).after, [
      { partition: 1, sequence: 4 },
    ])
  })

  const good = listQueryToWire(listQuery)
  const refused: [string, () => unknown][] = [
    ['tenantId', () => listQueryFromWire({ ...good, tenantId: '' })],
    ['tenantId', () => listQueryFromWire({ ...good, tenantId: 'a/b' })],
    ['tenantId', () => statsQueryFromWire({ tenantId: '$ne' })],
    [
      'labels',
      () =>
        listQueryFromWire({ ...good, labels: Array.from({ length: 17 }, () => ({ key: 'a', value: 'b' })) }),
    ],
    ['label.key', () => listQueryFromWire({ ...good, labels: [{ key: '$where', value: '' }] })],
    ['label.value', () => listQueryFromWire({ ...good, labels: [{ key: 'a', value: 'x'.repeat(129) }] })],
    ['prefix', () => listQueryFromWire({ ...good, prefix: '.*' })],
    ['limit', () => listQueryFromWire({ ...good, limit: 0 })],
    ['limit', () => listQueryFromWire({ ...good, limit: 501 })],
    ['after.timerId', () => listQueryFromWire({ ...good, after: { createdAtMs: 0, timerId: '' } })],
    ['after.createdAtMs', () => listQueryFromWire({ ...good, after: { createdAtMs: 0.5, timerId: 'a' } })],
    [
      'atLeast',
      () =>
        listQueryFromWire({
          ...good,
          atLeast: Array.from({ length: 4097 }, () => ({ partition: 0, sequence: 1 })),
        }),
    ],
    ['position.sequence', () => listQueryFromWire({ ...good, atLeast: [{ partition: 0, sequence: -1 }] })],
    ['timer.state', () => listQueryFromWire({ ...good, state: 9 as never })],
    ['event.type', () => feedQueryFromWire({ ...feedQueryToWire(feedQuery), type: 99 as never })],
    ['timerId', () => timerEventsQueryFromWire({ tenantId: 'a', timerId: '', afterVersion: 0, limit: 1 })],
    [
      'afterVersion',
      () => timerEventsQueryFromWire({ tenantId: 'a', timerId: 'b', afterVersion: -1, limit: 1 }),
    ],
    ['limit', () => listQueryToWire({ ...listQuery, limit: 0.5 })],
    ['asOfMs', () => timerPageToWire({ timers: [], more: false, asOfMs: Number.NaN })],
  ]
  for (const [index, [field, ask]] of refused.entries()) {
    it(`refuses and names ${field} (${index})`, () => {
      assert.throws(ask, (error) => error instanceof WireError && error.field === field)
    })
  }
})
