// Server-sent events: the stream itself, its resume, and every refusal as a problem before the first byte.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { test } from 'node:test'
import { text } from 'node:stream/consumers'
import { streamQuerySchema } from '../../src/http/stream-query.ts'
import { eventually, metric, type RealWorld } from '../real-world.ts'
import { ask, problem, StreamClient } from '../stream-client.ts'

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

export function streams(world: () => RealWorld): void {
  const put = (id: string, durationMs: number): Promise<unknown> =>
    world().api('PUT', `/v1/timers/${id}`, { durationMs })

  test('one timer: snapshot, ticks, completion, each state with the id to resume from', async () => {
    await put('cup', 3000)
    await using stream = await StreamClient.open(world().url, 'timer=cup&tickMs=1000')
    const { headers } = stream.response
    assert.deepEqual(
      [headers['cache-control'], headers['x-accel-buffering'], headers['access-control-allow-origin']],
      ['no-store', 'no', '*'],
    )
    assert.ok(headers['request-id'])
    assert.match(headers['server-time']?.toString() ?? '', instant)
    const snapshot = await stream.next('snapshot')
    assert.deepEqual(
      [snapshot.data?.timers?.[0]?.id, snapshot.data?.['missing'], snapshot.data?.['more']],
      ['cup', [], false],
    )
    const dataId = snapshot.id?.slice(0, snapshot.id.indexOf(':')) ?? ''
    assert.equal(snapshot.id, `${dataId}:1`)
    const tick = await stream.next('tick')
    assert.equal(tick.id, undefined)
    assert.equal(Number(tick.data?.['remainingMs']) % 1000, 0)
    const fired = await stream.next('timer')
    assert.deepEqual([fired.data?.cause?.type, fired.id], ['timer.completed', `${dataId}:2`])
    await world().api('DELETE', '/v1/timers/cup')
    const deleted = await stream.next('deleted')
    assert.deepEqual(
      [deleted.data?.['timerId'], deleted.data?.['version'], deleted.id],
      ['cup', 3, `${dataId}:3`],
    )
  })

  test('Last-Event-ID: nothing that was seen comes again; another data, or another form, is ignored', async () => {
    await put('again', 60_000)
    await using first = await StreamClient.open(world().url, 'timer=again')
    const { id = '' } = await first.next('snapshot')
    const timersAfter = async (lastEventId: string) => {
      await using stream = await StreamClient.open(world().url, 'timer=again', {
        'last-event-id': lastEventId,
      })
      const { data } = await stream.next('snapshot')
      return [data?.timers?.length, (data?.['missing'] as unknown[]).length]
    }
    assert.deepEqual(await timersAfter(id), [0, 0])
    assert.deepEqual(await timersAfter('elsewhere:1'), [1, 0])
    assert.deepEqual(await timersAfter(`${id}x`), [1, 0])
    await world().api('POST', '/v1/timers/again/pause')
    assert.deepEqual(await timersAfter(id), [1, 0])
    await world().api('DELETE', '/v1/timers/again')
    assert.deepEqual(await timersAfter(id), [0, 1])
  })

  test('several timers, and a prefix: changes and messages without ids', async () => {
    await put('s-1', 60_000)
    await using some = await StreamClient.open(world().url, 'timer=s-1&timer=s-2&timer=s-1')
    await using prefix = await StreamClient.open(world().url, 'prefix=s-')
    const { data, id } = await some.next('snapshot')
    assert.deepEqual([data?.timers?.length, data?.['missing'], id], [1, ['s-2'], undefined])
    await prefix.next('snapshot')
    await put('s-2', 60_000)
    await world().api('POST', '/v1/timers/s-2/messages', { kind: 'k', data: [1] })
    for (const stream of [some, prefix]) {
      const created = await stream.next('timer')
      assert.deepEqual([created.data?.timer?.id, created.id], ['s-2', undefined])
      assert.deepEqual((await stream.next('message')).data?.['data'], [1])
    }
  })

  test('600 timers of a prefix come in two snapshots', async () => {
    const commands = Array.from({ length: 600 }, (_, n) => ({
      timerId: `p-${n}`,
      op: 'put',
      durationMs: 600_000,
    }))
    await world().api('POST', '/v1/commands', { commands })
    await using stream = await StreamClient.open(world().url, 'prefix=p-')
    const pages = [await stream.next('snapshot'), await stream.next('snapshot')]
    assert.deepEqual(
      pages.map(({ data }) => [data?.timers?.length, data?.['more']]),
      [
        [500, true],
        [100, false],
      ],
    )
  })

  test('a query is refused with every fault in it', async () => {
    const faults = async (query: string) => {
      const { status, code, errors } = await problem(world().url, `/v1/stream${query}`)
      return [status, code, ...(errors ?? []).map((fault) => `${fault.parameter} ${fault.code}`).toSorted()]
    }
    assert.deepEqual(await faults(''), [422, 'invalid_value', 'timer missing'])
    assert.deepEqual(await faults('?timer=a&prefix=b'), [422, 'invalid_value', 'prefix not_allowed'])
    assert.deepEqual(await faults('?timer=a&all=true'), [422, 'unknown_field', 'all unknown_field'])
    assert.deepEqual(await faults('?timer=a%2Fb&tickMs=1&x=1'), [
      422,
      'invalid_value',
      'tickMs wrong_format',
      'timer wrong_format',
      'x unknown_field',
    ])
    assert.deepEqual(await faults('?timer=a&tickMs=1500'), [422, 'invalid_value', 'tickMs wrong_format'])
    assert.deepEqual(await faults('?timer=a&tickMs=61000'), [422, 'invalid_value', 'tickMs out_of_range'])
    assert.deepEqual(await faults('?timer=a&tickMs=1000&tickMs=2000'), [
      422,
      'invalid_value',
      'tickMs not_allowed',
    ])
    assert.deepEqual(await faults(`?${Array(101).fill('timer=a').join('&')}`), [
      422,
      'invalid_value',
      'timer out_of_range',
    ])
    assert.deepEqual(await faults('?timer=%zz'), [400, 'malformed'])
    assert.deepEqual(await faults('?__proto__=1&timer=a'), [422, 'unknown_field', '__proto__ unknown_field'])
  })

  test('bytes that are no request are answered with a problem and closed', async () => {
    for (const bytes of [
      'nonsense\r\n\r\n',
      `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`,
      'GET /v1/stream?timer=a HTTP/1.1\r\nConnection: close\r\n\r\n',
    ]) {
      const socket = connect(Number(new URL(world().url).port), '127.0.0.1')
      socket.write(bytes)
      const answer = await text(socket)
      assert.match(answer, /^HTTP\/1\.1 400 [^]*server-time: \d[^]*"code":"malformed"/i, answer)
    }
  })

  test('paths, methods, Accept and foreign pages', async () => {
    assert.equal((await problem(world().url, '/v1/streams')).code, 'not_found')
    assert.equal((await problem(world().url, '/')).code, 'not_found')
    assert.equal((await problem(world().url, '/v1/ws')).code, 'malformed')
    const post = await problem(world().url, '/v1/stream?timer=a', { method: 'POST' })
    assert.deepEqual([post.status, post.headers.allow], [405, 'GET, OPTIONS'])
    const html = await problem(world().url, '/v1/stream?timer=a', {
      headers: { accept: 'text/html, */*;q=0' },
    })
    assert.equal(html.status, 406)
    const foreign = await problem(world().url, '/v1/stream?timer=a', {
      headers: { origin: 'https://evil.example' },
    })
    assert.equal(foreign.status, 403)
    const rebound = await problem(world().url, '/v1/stream?timer=a', { headers: { host: 'evil.example' } })
    assert.equal(rebound.status, 403)
    const own = await problem(world().url, '/v1/stream', { headers: { 'request-id': 'mine-7' } })
    assert.equal(own.requestId, 'mine-7')
    const other = await problem(world().url, '/v1/stream', { headers: { 'x-request-id': 'mine 8' } })
    assert.equal(other.requestId, 'mine 8')
    const preflight = await ask(world().url, '/v1/stream?timer=a', { method: 'OPTIONS' })
    assert.deepEqual(
      [preflight.statusCode, preflight.headers['access-control-allow-methods']],
      [204, 'GET, OPTIONS'],
    )
    await text(preflight)
  })

  test('who is refused an upgrade and does not hang up is cut off', async () => {
    const socket = connect({
      host: '127.0.0.1',
      port: Number(new URL(world().url).port),
      allowHalfOpen: true,
    })
    socket.on('error', () => undefined)
    socket.write(
      'GET /v1/elsewhere HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    )
    await once(socket.resume(), 'end')
    // Only to a connection that is still there more can be said.
    await eventually(() => {
      socket.write('x')
      assert.ok(socket.destroyed)
      return Promise.resolve()
    })
  })

  test('an upgrade elsewhere, or one that is none, is refused as a problem', async () => {
    const upgrade = { connection: 'Upgrade', upgrade: 'websocket' }
    assert.equal((await problem(world().url, '/v1/elsewhere', { headers: upgrade })).code, 'not_found')
    assert.equal((await problem(world().url, '/v1/ws', { headers: upgrade })).code, 'malformed')
    assert.equal(
      (await problem(world().url, '/v1/nowhere', { headers: { ...upgrade, upgrade: 'h2c' } })).code,
      'not_found',
    )
  })

  test('a stream that its client leaves is forgotten', async () => {
    const stream = await StreamClient.open(world().url, 'timer=a&tickMs=1000')
    await stream.next('snapshot')
    assert.equal(await metric(world().gateway, 'timers_ws_connections', 'kind="stream"'), 1)
    await stream[Symbol.asyncDispose]()
    await eventually(async () => {
      assert.equal(await metric(world().gateway, 'timers_ws_connections', 'kind="stream"'), 0)
      assert.equal(await metric(world().gateway, 'timers_ws_followed_partitions'), 0)
      assert.equal(await metric(world().gateway, 'timers_ws_watched'), 0)
    })
  })

  test('the API description says what this serves', async () => {
    const file = new URL('../../../timer-api/openapi.json', import.meta.url)
    const { paths } = JSON.parse(await readFile(file, 'utf8')) as {
      paths: Record<
        string,
        {
          get: { parameters: { name: string; in: string }[]; responses: Record<string, { content?: object }> }
        }
      >
    }
    const described = paths['/v1/stream']?.get
    const names = described?.parameters.filter((one) => one.in === 'query').map(({ name }) => name)
    assert.deepEqual(names?.toSorted(), Object.keys(streamQuerySchema.shape).toSorted())
    assert.deepEqual(Object.keys(described?.responses['200']?.content ?? {}), ['text/event-stream'])
  })
}
