// Single timers over REST, against the real services.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limits } from '@timers/shared/timer/limits.ts'
import { as, type Api } from '../world.ts'

export function timers(api: () => Api): void {
  test('PUT creates with 201 and a Location, and replaces with 200', async () => {
    const body = {
      durationMs: 60_000,
      title: 'Tea',
      labels: { room: 'a' },
      metadata: { a: [1, null] },
      retentionMs: 5000,
    }
    const created = await api().put('put-1', body)
    assert.equal(created.status, 201)
    assert.equal(created.headers.location, '/v1/timers/put-1')
    const { timer } = created
    assert.equal(created.headers.etag, `"${timer.version}"`)
    assert.match(created.headers.position ?? '', /^\d+-\d+$/)
    assert.deepEqual(
      { ...timer, version: 0, deadline: '', createdAt: '', updatedAt: '' },
      {
        ...{ id: 'put-1', version: 0, state: 'running', ...body, remainingMs: null },
        ...{ deadline: '', createdAt: '', updatedAt: '', completedAt: null, completedBy: null },
      },
    )
    assert.equal(Date.parse(timer.deadline ?? ''), Date.parse(timer.updatedAt) + 60_000)

    const replaced = await api().put('put-1', { durationMs: 5, autostart: false })
    assert.equal(replaced.status, 200)
    assert.equal(replaced.headers.location, undefined)
    assert.equal(replaced.timer.version, timer.version + 1)
    assert.equal(replaced.timer.createdAt, timer.createdAt)
    assert.deepEqual(
      [replaced.timer.state, replaced.timer.remainingMs, replaced.timer.title],
      ['idle', 5, ''],
    )
    assert.equal(replaced.timer.retentionMs, limits.defaultRetentionMs)
  })

  test('PUT with a deadline says the same each time; one in the past fires at once', async () => {
    const deadline = new Date(Date.now() + 3_600_000).toISOString()
    const first = await api().put('put-2', { deadline })
    const second = await api().put('put-2', { deadline })
    assert.deepEqual([first.status, second.status], [201, 200])
    assert.deepEqual([first.timer.deadline, second.timer.deadline], [deadline, deadline])
    const past = await api().put('put-3', { deadline: '2020-01-01T00:00:00Z' })
    assert.equal(past.status, 201)
    const { timer } = await api().get('/v1/timers/put-3')
    assert.deepEqual(
      [timer.state, timer.completedBy, timer.deadline],
      ['completed', 'fire', '2020-01-01T00:00:00.000Z'],
    )
  })

  test('POST /v1/timers makes the id', async () => {
    const created = await api().post('/v1/timers', { durationMs: 1000 })
    assert.equal(created.status, 201)
    assert.match(created.timer.id, /^tmr_[\w-]{20}$/)
    assert.equal(created.headers.location, `/v1/timers/${created.timer.id}`)
    assert.equal((await api().get(created.headers.location)).timer.version, created.timer.version)
    const refused = await api().post('/v1/timers', { durationMs: 1000 }, { 'if-match': '*' })
    assert.equal(refused.problem.code, 'malformed')
  })

  test('each operation does its work', async () => {
    await api().put('ops', { durationMs: 100_000, autostart: false })
    const post = async (word: string, body?: unknown) => {
      const reply = await api().post(`/v1/timers/ops/${word}`, body)
      assert.equal(reply.status, 200, reply.text)
      assert.equal(reply.headers.etag, `"${reply.timer.version}"`)
      return reply.timer
    }
    const left = async (word: string, body?: unknown) => (await post(word, body)).remainingMs
    assert.equal(await left('add', { byMs: 5000 }), 105_000)
    assert.equal(await left('add', { byMs: -4999 }), 100_001)
    assert.equal(await left('multiply', { factor: 0.5 }), 50_001)
    assert.equal(await left('set', { remainingMs: 7000 }), 7000)
    assert.equal(await left('reset', {}), 100_000)
    const started = await post('start')
    assert.equal(started.state, 'running')
    assert.equal((await post('start')).version, started.version, 'start twice is a no-op')
    const extended = await post('extend-if-within', { windowMs: 200_000, byMs: 60_000 })
    assert.equal(Date.parse(extended.deadline ?? ''), Date.parse(started.deadline ?? '') + 60_000)
    const capped = await post('extend-if-within', {
      windowMs: 200_000,
      byMs: 60_000,
      maxDeadline: extended.deadline,
    })
    assert.equal(capped.version, extended.version, 'no room below maxDeadline: a no-op')
    const paused = await post('pause')
    assert.equal(paused.state, 'paused')
    assert.equal((await post('pause')).remainingMs, paused.remainingMs)
    assert.equal((await post('resume')).state, 'running')
    const deadline = new Date(Date.now() + 50_000).toISOString()
    assert.equal((await post('set', { deadline })).deadline, deadline)
    const restarted = await post('restart')
    assert.equal(Date.parse(restarted.deadline ?? ''), Date.parse(restarted.updatedAt) + 100_000)
    assert.equal((await post('multiply', { factor: 0 })).completedBy, 'command')
    const refused = await api().post('/v1/timers/ops/start')
    assert.equal(refused.problem.code, 'wrong_state')
  })

  test('PATCH merges and leaves the clock alone', async () => {
    const before = (
      await api().put('patch', {
        durationMs: 60_000,
        labels: { a: '1', b: '2' },
        metadata: { x: { y: 1, z: 2 } },
      })
    ).timer
    const patch = {
      title: 'New',
      durationMs: 5,
      labels: { a: null, c: '3' },
      metadata: { x: { y: null }, w: [] },
    }
    for (const type of ['application/merge-patch+json', 'application/json; charset=utf-8']) {
      const reply = await api().call('PATCH', '/v1/timers/patch', {
        body: patch,
        headers: { 'content-type': type },
      })
      assert.equal(reply.status, 200, reply.text)
      const { timer } = reply
      assert.deepEqual(
        [timer.title, timer.durationMs, timer.labels, timer.metadata, timer.deadline, timer.version],
        ['New', 5, { b: '2', c: '3' }, { x: { z: 2 }, w: [] }, before.deadline, before.version + 1],
      )
    }
    const cleared = await api().call('PATCH', '/v1/timers/patch', {
      body: { title: null, labels: null, metadata: null },
    })
    assert.deepEqual([cleared.timer.title, cleared.timer.labels, cleared.timer.metadata], ['', {}, {}])
  })

  test('a patch may not grow a timer beyond its limits', async () => {
    const labels = Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`k${i}`, 'v']))
    await api().put('patch-2', { durationMs: 60_000, labels, metadata: { a: 'x'.repeat(4000) } })
    for (const [patch, pointer] of [
      [{ labels: { more: 'v' } }, '/labels'],
      [{ metadata: { b: 'x'.repeat(100) } }, '/metadata'],
    ] as const) {
      const reply = await api().call('PATCH', '/v1/timers/patch-2', { body: patch })
      assert.equal(reply.problem.code, 'invalid_value', reply.text)
      assert.ok(
        reply.problem.errors?.some((fault) => fault.pointer?.startsWith(pointer)),
        reply.text,
      )
    }
    const swapped = await api().call('PATCH', '/v1/timers/patch-2', {
      body: { labels: { k0: null, more: 'v' } },
    })
    assert.equal(swapped.status, 200)
  })

  test('DELETE takes the timer away, once, and its versions never come back', async () => {
    const { version } = (await api().put('gone', { durationMs: 60_000 })).timer
    const deleted = await api().call('DELETE', '/v1/timers/gone')
    assert.deepEqual([deleted.status, deleted.text], [204, ''])
    assert.match(deleted.headers.position ?? '', /^\d+-\d+$/)
    assert.equal((await api().get('/v1/timers/gone')).problem.code, 'not_found')
    assert.equal((await api().call('DELETE', '/v1/timers/gone')).problem.code, 'not_found')
    const again = await api().put('gone', { durationMs: 60_000 })
    assert.equal(again.status, 201)
    assert.ok(again.timer.version > version + 1)
  })

  test('If-Match holds changes to a version, If-None-Match: * to creation', async () => {
    const { version } = (await api().put('if', { durationMs: 60_000 })).timer
    const current = `"${version}"`
    const code = async (reply: ReturnType<Api['call']>) => (await reply).problem.code
    assert.equal(
      await code(api().post('/v1/timers/if/pause', undefined, { 'if-match': `"${version + 1}"` })),
      'version_mismatch',
    )
    assert.equal(
      await code(api().post('/v1/timers/if/pause', undefined, { 'if-match': '"x"' })),
      'version_mismatch',
    )
    assert.equal(await code(api().put('if', { durationMs: 1 }, { 'if-match': '"999"' })), 'version_mismatch')
    assert.equal(await code(api().put('if', { durationMs: 1 }, { 'if-none-match': '*' })), 'already_exists')
    assert.equal(
      await code(api().call('DELETE', '/v1/timers/if', { headers: { 'if-match': '"999"' } })),
      'version_mismatch',
    )
    assert.equal((await api().get('/v1/timers/if')).timer.version, version, 'nothing was done')
    assert.equal((await api().put('if', { durationMs: 60_000 }, { 'if-match': current })).status, 200)
    assert.equal((await api().put('if', { durationMs: 60_000 }, { 'if-match': '*' })).status, 200)
    assert.equal((await api().post('/v1/timers/if/pause', undefined, { 'if-match': '*' })).status, 200)

    assert.equal(await code(api().put('if-no', { durationMs: 1 }, { 'if-match': '"1"' })), 'version_mismatch')
    assert.equal(await code(api().put('if-no', { durationMs: 1 }, { 'if-match': '*' })), 'version_mismatch')
    assert.equal(
      await code(api().post('/v1/timers/if-no/pause', undefined, { 'if-match': '"1"' })),
      'not_found',
    )
    assert.equal(
      await code(api().post('/v1/timers/if-no/pause', undefined, { 'if-match': '*' })),
      'not_found',
    )
    assert.equal((await api().put('if-no', { durationMs: 1 }, { 'if-none-match': '*' })).status, 201)
    for (const tag of ['W/"1"', '1', '"1", "2"']) {
      assert.equal(await code(api().put('if', { durationMs: 1 }, { 'if-match': tag })), 'malformed')
    }
  })

  test('GET answers 304 to who has it, and live=true with what is left and no tag', async () => {
    const { version } = (await api().put('get', { durationMs: 60_000 })).timer
    const get = await api().get('/v1/timers/get')
    assert.deepEqual([get.status, get.headers.etag], [200, `"${version}"`])
    for (const tag of [`"${version}"`, '*']) {
      const same = await api().get('/v1/timers/get', { 'if-none-match': tag })
      assert.deepEqual([same.status, same.headers.etag], [304, `"${version}"`])
    }
    assert.equal((await api().get('/v1/timers/get', { 'if-none-match': '"9999"' })).status, 200)
    const live = await api().get('/v1/timers/get?live=true', { 'if-none-match': `"${version}"` })
    assert.deepEqual([live.headers.etag, live.headers['cache-control']], [undefined, 'no-store'])
    const { now, deadline } = as('LiveTimer', live)
    assert.equal(now?.remainingMs, Date.parse(deadline ?? '') - Date.parse(now?.serverTime ?? ''))
    const head = await api().call('HEAD', '/v1/timers/get')
    assert.deepEqual([head.status, head.headers.etag], [200, `"${version}"`])
    assert.equal((await api().get('/v1/timers/none', { 'if-none-match': '*' })).problem.code, 'not_found')
  })

  test('a long poll ends with the next version, with its time, or with the timer', async () => {
    const { version } = (await api().put('poll', { durationMs: 60_000 })).timer
    const waiting = api().get(`/v1/timers/poll?afterVersion=${version}&waitMs=20000`)
    const paused = await api().post('/v1/timers/poll/pause')
    assert.deepEqual((await waiting).timer, paused.timer)
    assert.equal(
      (await api().get(`/v1/timers/poll?afterVersion=${version}`)).timer.version,
      version + 1,
      'newer already',
    )
    const startedAtMs = performance.now()
    const old = await api().get(`/v1/timers/poll?afterVersion=${version + 1}&waitMs=300`)
    assert.deepEqual([old.status, old.headers.etag], [304, `"${version + 1}"`])
    assert.ok(performance.now() - startedAtMs >= 300)
    const gone = api().get(`/v1/timers/poll?afterVersion=${version + 1}&waitMs=20000`)
    assert.equal((await api().call('DELETE', '/v1/timers/poll')).status, 204)
    assert.equal((await gone).problem.code, 'not_found')
    assert.equal((await api().get('/v1/timers/poll?afterVersion=1&waitMs=20000')).problem.code, 'not_found')
  })

  test('a long poll sees the firing', async () => {
    const { version } = (await api().put('poll-fire', { durationMs: 200 })).timer
    const fired = await api().get(`/v1/timers/poll-fire?afterVersion=${version}&waitMs=20000&live=true`)
    const { completedBy, now, completedAt, deadline } = as('LiveTimer', fired)
    assert.deepEqual([completedBy, now?.remainingMs], ['fire', 0])
    assert.ok(Date.parse(completedAt ?? '') >= Date.parse(deadline ?? ''))
  })

  test('a label, a metadata member and a title may hold what is awkward', async () => {
    const body =
      '{"durationMs":-0,"title":"\\u0000\\ud83d\\ude00","labels":{"__proto__":"x"},"metadata":{"__proto__":{"-":-0},"constructor":1}}'
    const { timer } = await api().put('awkward', body)
    assert.deepEqual([timer.durationMs, timer.title], [0, '\u0000😀'])
    assert.equal(JSON.stringify(timer.labels), '{"__proto__":"x"}')
    assert.equal(JSON.stringify(timer.metadata), '{"__proto__":{"-":0},"constructor":1}')
  })
}
