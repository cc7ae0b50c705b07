// Bad requests of every kind: each gets its problem, names its faults, and leaves the API as it was.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Api, Sent } from '../world.ts'

const kib = 1024

export function edges(api: () => Api): void {
  const code = async (method: string, path: string, sent?: Sent) =>
    (await api().call(method, path, sent)).problem.code
  const faults = async (method: string, path: string, sent?: Sent) => {
    const { errors = [] } = (await api().call(method, path, sent)).problem
    return errors
      .map(({ pointer, parameter, header, code }) => `${pointer ?? parameter ?? header ?? '?'} ${code}`)
      .toSorted()
  }

  test('a path that is not there, and one that takes other methods', async () => {
    for (const path of [
      '/v1',
      '/v1/timers/a/b/c',
      '/v2/timers',
      '/V1/timers',
      '/v1/timers/',
      '//v1/timers',
      '/v1/timers/a/fire',
      '/v1/peers',
      '/v1/stream?timer=a',
      '*',
    ]) {
      assert.equal(await code('GET', path), 'not_found', path)
    }
    for (const [method, path, allow] of [
      ['POST', '/v1/timers/a', 'PUT, GET, HEAD, PATCH, DELETE, OPTIONS'],
      ['GET', '/v1/timers/a/start', 'POST, OPTIONS'],
      ['DELETE', '/v1/timers', 'POST, GET, HEAD, OPTIONS'],
      ['TRACE', '/', 'GET, HEAD, OPTIONS'],
      ['PROPFIND', '/v1/commands', 'POST, OPTIONS'],
    ] as const) {
      const reply = await api().call(method, path)
      assert.deepEqual([reply.problem.code, reply.headers.allow], ['method_not_allowed', allow])
    }
    const options = await api().call('OPTIONS', '/v1/timers/a', { headers: { origin: 'http://localhost:1' } })
    assert.equal(options.status, 204)
    assert.equal(options.headers['access-control-allow-methods'], options.headers.allow)
    assert.match(options.headers['access-control-allow-headers'] ?? '', /If-Match/)
  })

  test('ids outside their alphabet and broken escapes', async () => {
    for (const id of ['a%2Fb', '.a', '%00', 'a%20b', '%C3%A9', 'a'.repeat(129), '-', '__proto__', 'a%0a']) {
      assert.deepEqual(
        await faults('PUT', `/v1/timers/${id}`, { body: { durationMs: 1 } }),
        ['id wrong_format'],
        id,
      )
      assert.equal(await code('GET', `/v1/timers/${id}/events`), 'invalid_value', id)
    }
    for (const id of ['%', '%zz', '%ff', '%C3', '%c0%80'])
      assert.equal(await code('GET', `/v1/timers/${id}`), 'malformed', id)
    assert.equal((await api().put('a'.repeat(128), { durationMs: 1 })).status, 201)
    assert.equal((await api().put('%61', { durationMs: 1 })).timer.id, 'a')
  })

  test('all faults at once: path, query, header, body', async () => {
    const body = { durationMs: 'x', deadline: 5, labels: { K: 1 }, more: 1 }
    const headers = { 'idempotency-key': 'k' }
    assert.deepEqual(await faults('PUT', '/v1/timers/.a?color=red', { body, headers }), [
      '/deadline not_allowed',
      '/deadline wrong_type',
      '/durationMs wrong_type',
      '/labels/K wrong_format',
      '/labels/K wrong_type',
      '/more unknown_field',
      'Idempotency-Key not_allowed',
      'color unknown_field',
      'id wrong_format',
    ])
    const reply = await api().put('a?color=red', { durationMs: 1 })
    assert.deepEqual([reply.problem.code, reply.problem.instance], ['unknown_field', '/v1/timers/a'])
  })

  test('an Idempotency-Key is never silently taken', async () => {
    for (const [method, path] of [
      ['POST', '/v1/timers/a/pause'],
      ['DELETE', '/v1/timers/a'],
      ['POST', '/v1/commands'],
      ['GET', '/v1/timers'],
    ] as const) {
      const sent = {
        headers: { 'idempotency-key': '"k"' },
        ...(path === '/v1/commands' && { body: { commands: [] } }),
      }
      assert.equal(await code(method, path, sent), 'invalid_value')
      assert.deepEqual(await faults(method, path, sent), ['Idempotency-Key not_allowed'])
    }
  })

  test('bodies that are not JSON, not UTF-8, too deep, doubled or empty', async () => {
    for (const body of [
      '{',
      '{"durationMs":1,}',
      'null ',
      '"\\ud800',
      '[',
      '{"durationMs":1}{}',
      Uint8Array.of(0x22, 0xff, 0x22),
      Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d),
      '['.repeat(30_000),
      '{"durationMs":1,"durationMs":2}',
      '',
    ]) {
      const expected = body === 'null ' ? 'invalid_value' : 'malformed'
      assert.equal(await code('PUT', '/v1/timers/bad', { body }), expected, String(body).slice(0, 30))
    }
    for (const body of [
      '{"durationMs":1e400}',
      '{"durationMs":-1}',
      '{"durationMs":1.5}',
      '{"durationMs":null}',
      '{"durationMs":true}',
      '{"durationMs":[]}',
      '{"durationMs":315576000001}',
      '{"__proto__":{"durationMs":1}}',
      '[]',
      '5',
      '"x"',
      `{"durationMs":1,"metadata":${'{"a":'.repeat(20)}1${'}'.repeat(20)}}`,
    ]) {
      assert.equal((await api().put('bad', body)).status, 422, body)
    }
    assert.equal((await api().get('/v1/timers/bad')).problem.code, 'not_found')
    assert.equal(await code('POST', '/v1/timers/bad/start', { body: { x: 1 } }), 'unknown_field')
    assert.equal(await code('DELETE', '/v1/timers/bad', { body: { x: 1 } }), 'unknown_field')
  })

  test('the size of a body, on both sides of its limit, told or streamed', async () => {
    const padded = (bytes: number): string => '{"durationMs":1' + ' '.repeat(bytes - 16) + '}'
    assert.ok((await api().put('size', padded(64 * kib))).status < 300)
    assert.equal((await api().put('size', padded(64 * kib + 1))).problem.code, 'too_large')
    const streamed = (bytes: number) =>
      api().raw(
        'PUT /v1/timers/size HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n' +
          `${bytes.toString(16)}\r\n${padded(bytes)}\r\n0\r\n\r\n`,
      )
    assert.match(await streamed(64 * kib), /^HTTP\/1\.1 200 /)
    assert.match(await streamed(64 * kib + 1), /^HTTP\/1\.1 413 [^]*"code":"too_large"/)
  })

  test('media types', async () => {
    const put = (type: string) => api().put('media', { durationMs: 1 }, { 'content-type': type })
    for (const type of [
      'application/json',
      'Application/JSON; charset=UTF-8',
      'application/json;charset="utf-8"',
    ]) {
      assert.ok((await put(type)).status < 300, type)
    }
    for (const type of [
      'text/plain',
      '',
      'application/merge-patch+json',
      'application/json; charset=latin1',
      'application/jsonx',
      'multipart/form-data; boundary=x',
      ';',
    ]) {
      assert.equal((await put(type)).problem.code, 'unsupported_media_type', type)
    }
    const zipped = { body: 'x', headers: { 'content-encoding': 'gzip' } }
    assert.equal(await code('PUT', '/v1/timers/media', zipped), 'unsupported_media_type')
    assert.equal(
      await code('GET', '/v1/timers/media', { headers: { accept: 'text/html' } }),
      'not_acceptable',
    )
    assert.equal(
      (await api().call('DELETE', '/v1/timers/media', { headers: { accept: 'text/html' } })).status,
      204,
    )
  })

  test('a Request-Id is taken when it is fit to be shown, and made otherwise', async () => {
    const given = async (headers: Record<string, string>) =>
      (await api().get('/v1/time', headers)).headers['request-id']
    assert.equal(await given({ 'request-id': 'mine' }), 'mine')
    assert.equal(await given({ 'x-request-id': 'x'.repeat(128) }), 'x'.repeat(128))
    for (const id of ['', 'x'.repeat(129), 'é', 'a\tb'])
      assert.match((await given({ 'x-request-id': id })) ?? '', /^req_/, id)
    assert.notEqual(await given({}), await given({}))
  })

  test('only this machine is served: Host and Origin', async () => {
    for (const headers of [
      { host: 'evil.example' },
      { host: 'evil.example:3000' },
      { origin: 'http://evil.example' },
      { origin: 'null' },
    ]) {
      assert.equal(await code('GET', '/v1/timers', { headers }), 'forbidden')
      assert.equal(await code('OPTIONS', '/v1/timers', { headers }), 'forbidden')
      assert.equal(await code('PUT', '/v1/timers/foreign', { headers, body: { durationMs: 1 } }), 'forbidden')
    }
    assert.equal(
      (await api().get('/v1/time', { host: 'localhost:3000', origin: 'http://127.0.0.1:3000' })).status,
      200,
    )
    assert.equal(await code('GET', '/v1/timers/foreign'), 'not_found')
  })

  test('bytes that are no request are answered with a problem and closed', async () => {
    for (const bytes of [
      'nonsense\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
      'POST /v1/timers HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n',
      'GET /v1/timers HTTP/1.1\r\nConnection: close\r\n\r\n',
      Uint8Array.of(0x16, 3, 1, 0, 5, 1, 0, 0, 0, 0),
    ]) {
      const answer = await api().raw(bytes)
      assert.match(answer, /^HTTP\/1\.1 400 [^]*server-time: \d[^]*"code":"malformed"/i, answer)
    }
    const expecting = await api().raw(
      'GET /v1/time HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: nothing\r\n\r\n',
    )
    assert.match(expecting, /^HTTP\/1\.1 200 /)
    const absolute = await api().raw(
      'GET http://localhost/v1/time HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    )
    assert.match(absolute, /^HTTP\/1\.1 200 /)
  })
}
