// The read model over REST: pages, filters, cursors, positions, history and feed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { as, type Api } from '../world.ts'

export function lists(api: () => Api): void {
  const code = async (path: string) => (await api().get(path)).problem.code

  test('a list has what was written at its position, page by page', async () => {
    const commands = Array.from({ length: 25 }, (_, i) => ({
      ...{ timerId: `list-${String(i).padStart(2, '0')}`, op: 'put', durationMs: 3_600_000 },
      ...{ autostart: i % 2 === 0, labels: { odd: String(i % 2), all: 'a:b c' } },
    }))
    const { position } = (await api().post('/v1/commands', { commands })).headers
    const page = async (query: string) =>
      as('TimerList', await api().get(`/v1/timers?prefix=list-&atLeast=${position ?? ''}${query}`))
    const whole = await page('')
    assert.deepEqual(
      whole.data.map(({ id }) => id).toSorted(),
      commands.map(({ timerId }) => timerId),
    )
    assert.equal(whole.nextCursor, null)
    const order = whole.data.map(({ createdAt, id }) => `${createdAt} ${id}`)
    assert.deepEqual(order, order.toSorted())
    const ids: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const next = await page(`&limit=10${cursor === '' ? '' : `&cursor=${cursor}`}`)
      ids.push(...next.data.map(({ id }) => id))
      cursor = next.nextCursor
    }
    assert.deepEqual(
      ids,
      whole.data.map(({ id }) => id),
    )
    assert.equal((await page('&state=running')).data.length, 13)
    assert.equal((await page('&state=idle&label=odd:1')).data.length, 12)
    assert.equal((await page('&label=odd:1&label=all:a%3Ab+c')).data.length, 12)
    assert.equal((await page('&label=odd:1&label=odd:0')).data.length, 0)
    assert.deepEqual((await page('&limit=1')).data, [
      (await api().get(`/v1/timers/${whole.data[0]?.id ?? ''}`)).timer,
    ])
  })

  test('a cursor is for its own filters, a position for its own cluster', async () => {
    const { nextCursor } = as('TimerList', await api().get('/v1/timers?prefix=list-&limit=1'))
    assert.ok(nextCursor)
    assert.equal((await api().get(`/v1/timers?prefix=list-&limit=2&cursor=${nextCursor}`)).status, 200)
    for (const query of [
      `prefix=list&cursor=${nextCursor}`,
      `prefix=list-&state=idle&cursor=${nextCursor}`,
      'cursor=x',
      `cursor=${nextCursor}x`,
    ]) {
      assert.equal(await code(`/v1/timers?${query}`), 'malformed', query)
    }
    for (const query of [
      'atLeast=64-1',
      'atLeast=1',
      'atLeast=',
      'limit=0',
      'limit=501',
      'state=gone',
      'label=x',
      'label=X:1',
      'prefix=%2F',
      'prefix=',
    ]) {
      assert.equal(await code(`/v1/timers?${query}`), 'invalid_value', query)
    }
    assert.equal((await api().get('/v1/timers?limit=500')).status, 200)
    assert.equal(await code('/v1/timers?color=red'), 'unknown_field')
    assert.equal(await code('/v1/timers?limit=1&limit=2'), 'invalid_value')
  })

  test('a position that is not reached in 2 s is refused, and what was there is not lost by it', async () => {
    const startedAtMs = performance.now()
    const reply = await api().get('/v1/timers?atLeast=0-999999999')
    assert.ok(performance.now() - startedAtMs < 3500, 'however many nodes there are')
    assert.equal(reply.problem.code, 'unavailable')
    assert.ok(reply.headers['retry-after'])
  })

  test('the history of a timer tells each version once, with its cause, also when it is gone', async () => {
    const path = '/v1/timers/history'
    const requestId = 'a request of mine'
    await api().put('history', { durationMs: 3_600_000 }, { 'x-request-id': requestId })
    for (const word of ['pause', 'start', 'reset', 'restart']) await api().post(`${path}/${word}`)
    const gone = await api().call('DELETE', path)
    await api().get(`/v1/timers?atLeast=${gone.headers.position ?? ''}`)
    const events = as('EventList', await api().get(`${path}/events`))
    assert.deepEqual(
      events.data.map(({ type }) => type),
      ['timer.created', 'timer.paused', 'timer.started', 'timer.reset', 'timer.restarted', 'timer.deleted'],
    )
    const [created] = events.data
    assert.deepEqual([created?.requestId, created?.actor], [requestId, { type: 'operator', id: 'local' }])
    const versions = events.data.map(({ version }) => version)
    assert.deepEqual(
      versions,
      versions.map((_, i) => Number(versions[0]) + i),
    )
    assert.ok(
      events.data.every(({ timer, version, timerId }) => timer.version === version && timerId === 'history'),
    )

    const first = as('EventList', await api().get(`${path}/events?limit=4`))
    const rest = as('EventList', await api().get(`${path}/events?limit=4&cursor=${first.nextCursor ?? ''}`))
    assert.deepEqual([...first.data, ...rest.data], events.data)
    assert.equal(rest.nextCursor, null)
    assert.equal(await code(`/v1/timers/other/events?cursor=${first.nextCursor ?? ''}`), 'malformed')
    assert.deepEqual(as('EventList', await api().get('/v1/timers/never/events')).data, [])
  })

  test('the feed goes on from where it was, waits for news, and filters', async () => {
    let after = ''
    for (let more = true; more;) {
      const page = as('EventFeed', await api().get(`/v1/events?limit=500${after}`))
      after = `&after=${page.nextAfter}`
      more = page.more || page.data.length > 0
    }
    const startedAtMs = performance.now()
    const nothing = as('EventFeed', await api().get(`/v1/events?waitMs=600${after}`))
    assert.deepEqual(nothing.data, [])
    assert.ok(performance.now() - startedAtMs >= 600)
    const waiting = api().get(`/v1/events?waitMs=20000&prefix=feed&type=timer.paused${after}`)
    await api().put('feed-1', { durationMs: 3_600_000 })
    await api().post('/v1/timers/feed-1/pause')
    const news = as('EventFeed', await waiting)
    assert.deepEqual(
      news.data.map(({ type, timerId }) => [type, timerId]),
      [['timer.paused', 'feed-1']],
    )
    const both = as('EventFeed', await api().get(`/v1/events?prefix=feed${after}`))
    assert.deepEqual(
      both.data.map(({ type }) => type),
      ['timer.created', 'timer.paused'],
    )
    for (const query of ['after=x', 'after=WzFd'])
      assert.equal(await code(`/v1/events?${query}`), 'malformed')
    for (const query of ['type=paused', 'waitMs=30001', 'waitMs=x'])
      assert.equal(await code(`/v1/events?${query}`), 'invalid_value')
  })

  test('counts and time', async () => {
    const { total, byState } = as('Stats', await api().get('/v1/stats'))
    assert.equal(total, byState.idle + byState.running + byState.paused + byState.completed)
    assert.ok(byState.running > 0)
    const before = Date.now()
    const time = as('Time', await api().get('/v1/time'))
    assert.ok(before <= time.t1 && time.t1 <= time.t2 && time.t2 <= Date.now())
  })
}
