// Nonsense of every kind on the socket: always an answer or a close code, never a crash and never a hang.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RealWorld } from '../real-world.ts'
import { SocketClient } from '../socket-client.ts'
import { WebSocket } from 'ws'

const patienceMs = 10_000

const value: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.constantFrom<unknown>(
    null,
    true,
    -0,
    1e308,
    -1,
    1.5,
    2 ** 53,
    '',
    'a',
    'a/b',
    '__proto__',
    '\u0000',
    '\ud800',
  ),
  fc.array(fc.constantFrom('fuzz-a', 'fuzz-b', '', '..'), { maxLength: 4 }),
  fc.dictionary(fc.constantFrom('fuzz-a', '__proto__', 'x y'), fc.integer(), { maxKeys: 3 }),
)
const message = fc
  .tuple(
    fc.constantFrom<unknown>(
      'auth',
      'subscribe',
      'unsubscribe',
      'command',
      'time',
      'ping',
      'hello',
      'toString',
      7,
      null,
    ),
    fc.dictionary(
      fc.constantFrom(
        'requestId',
        'timerIds',
        'prefix',
        'all',
        'tickMs',
        'known',
        'subscriptionId',
        'token',
        't0',
        'timerId',
        'op',
        'ifVersion',
        'ifAbsent',
        'commandId',
        'durationMs',
        'deadline',
        'labels',
        'metadata',
        'byMs',
        'factor',
        'constructor',
      ),
      value,
      { maxKeys: 7 },
    ),
    fc.constantFrom('put', 'start', 'add', 'delete', 'update', 'fire', undefined),
    fc.boolean(),
  )
  .map(([type, fields, op, valid]) => ({
    type,
    ...(valid && { requestId: 'fuzz', timerId: 'fuzz-a', timerIds: ['fuzz-a'] }),
    ...(op !== undefined && { op }),
    ...fields,
  }))

const text = fc.oneof(
  message.map((one) => JSON.stringify(one)),
  fc.json(),
  fc.string({ maxLength: 200 }),
  fc.constantFrom(
    '{"type":"ping","requestId":"a","requestId":"b"}',
    '{"type":"time","t0":1e999}',
    '[',
    '{}',
    '\ufeff{}',
  ),
)

/** Raw frames: any first two bytes, any length field, masked or not, cut anywhere. */
const frame = fc
  .tuple(fc.nat({ max: 255 }), fc.nat({ max: 255 }), fc.uint8Array({ maxLength: 300 }))
  .map(([first, second, rest]) => Buffer.from([first, second, ...rest]))
const bytes = fc.array(frame, { minLength: 1, maxLength: 6 }).map((frames) => Buffer.concat(frames))

const handshake = [
  'GET /v1/ws HTTP/1.1',
  'Host: 127.0.0.1',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
  '',
  '',
].join('\r\n')

export function fuzz(world: () => RealWorld): void {
  const alive = async (): Promise<void> => {
    await using client = await SocketClient.open(world().url)
    assert.equal((await client.one({ type: 'ping' })).type, 'ack')
    assert.ok(world().gateway.pid > 0)
  }

  test('any text: an answer, an error or a close code of ours', async () => {
    await using stack = new AsyncDisposableStack()
    let client: SocketClient | undefined
    await fc.assert(
      fc.asyncProperty(text, async (one) => {
        client ??= stack.use(await SocketClient.open(world().url))
        client.webSocket.send(one)
        const pinged = client.one({ type: 'ping', requestId: `ping-${Math.random()}` }).then(() => true)
        const open = await Promise.race([pinged, client.closed.then(() => false)]).catch(() => false)
        if (open) return
        const { code } = await client.closed
        client = undefined
        assert.equal(code, 4400)
      }),
      { numRuns: 400, seed: 20_261_125, endOnFailure: true },
    )
    await alive()
  })

  test('any bytes as frames: when the client has said all, the connection ends', async () => {
    const { hostname, port } = new URL(world().url)
    await fc.assert(
      fc.asyncProperty(bytes, async (frames) => {
        const socket = connect({ host: hostname, port: Number(port) })
        socket.setTimeout(patienceMs, () => socket.destroy(new Error('the connection hangs')))
        const closed = once(socket, 'close')
        socket.resume()
        socket.end(Buffer.concat([Buffer.from(handshake), frames]))
        await closed
      }),
      { numRuns: 300, seed: 20_261_125, endOnFailure: true },
    )
    await alive()
  })

  test('any bytes as HTTP: an answer or an end', async () => {
    const { hostname, port } = new URL(world().url)
    const request = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((raw) => Buffer.from(raw)),
      fc
        .string({ maxLength: 80 })
        .map((path) =>
          Buffer.from(
            `GET /v1/stream?${encodeURI(path.toWellFormed())} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`,
          ),
        ),
      fc
        .string({ maxLength: 80 })
        .map((header) => Buffer.from(handshake.replace('dGhlIHNhbXBsZSBub25jZQ==', header))),
    )
    await fc.assert(
      fc.asyncProperty(request, async (raw) => {
        const socket = connect({ host: hostname, port: Number(port) })
        socket.setTimeout(patienceMs, () => socket.destroy(new Error('the connection hangs')))
        const closed = once(socket, 'close')
        let answer = ''
        socket.setEncoding('latin1').on('data', (chunk: string) => (answer += chunk))
        socket.on('error', () => undefined)
        socket.end(raw)
        await closed
        assert.doesNotMatch(answer, /^HTTP\/1\.1 5/)
      }),
      { numRuns: 300, seed: 20_261_125, endOnFailure: true },
    )
    await alive()
  })

  test('many at once, each with nonsense, and gone: nothing is left behind', async () => {
    const clients = await Promise.all(Array.from({ length: 50 }, () => SocketClient.open(world().url)))
    for (const [n, client] of clients.entries()) {
      client.send({ type: 'subscribe', requestId: 'x', all: true, tickMs: 1000 })
      if (n % 2 === 0) client.webSocket.send('nonsense')
      else client.webSocket.terminate()
    }
    await Promise.all(clients.map((client) => client.closed))
    for (const { webSocket } of clients) assert.equal(webSocket.readyState, WebSocket.CLOSED)
    await alive()
  })
}
