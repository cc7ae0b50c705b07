// The HTTP server's own deadlines and its end, with real sockets. What it serves is tested in test/.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import test from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createLogger } from '@timers/shared/logger.ts'
import { createSystemClock } from '@timers/shared/system-clock.ts'
import type { GetResult } from '@timers/shared/timer/results.ts'
import { createIdentify } from './caller.ts'
import { deadlines, startHttpServer, type HttpServer } from './server.ts'
import type { Services } from './services.ts'

const short = {
  ...deadlines,
  requestTimeout: 400,
  headersTimeout: 200,
  connectionsCheckingInterval: 50,
  leaving: 50,
  drain: 400,
}

/** `found`: what the owner of every timer answers, when it does. */
function start(found: Promise<GetResult> = new Promise(() => undefined)): Promise<HttpServer> {
  const clock = createSystemClock()
  const services = { clock, core: { get: () => found } } as unknown as Services
  return startHttpServer(
    { host: '127.0.0.1', port: 0, within: short },
    {
      clock,
      logger: createLogger({ role: 'test', name: 'test', level: 'silent' }),
      measure: () => undefined,
      identify: createIdentify({ behind: undefined }),
      newRequestId: () => 'r',
      services,
    },
  )
}

function open({ url }: HttpServer) {
  return connect({ host: '127.0.0.1', port: Number(new URL(url).port) })
}

test('who is slow to ask is told so, and cut off', async () => {
  await using server = await start()
  const put =
    'PUT /v1/timers/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{'
  for (const sent of ['GET /v1/time HTTP/1.1\r\nHost: loc', put]) {
    const socket = open(server)
    const startedAtMs = performance.now()
    socket.write(sent)
    assert.match(await text(socket), /^HTTP\/1\.1 400 [^]*"code":"malformed"/)
    assert.ok(performance.now() - startedAtMs < 5000)
  }
})

test('more headers than anybody sends lose none, a condition among them', async () => {
  await using server = await start()
  const many = Array.from({ length: 1500 }, () => 'a: b\r\n').join('')
  const socket = open(server)
  socket.write(
    `GET /v1/timers/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${many}If-Match: "1"\r\n\r\n`,
  )
  assert.match(await text(socket), /^HTTP\/1\.1 400 [^]*"header":"If-Match"/)
})

test('its end lets requests under way finish, and takes no new ones', async () => {
  const answer = Promise.withResolvers<GetResult>()
  const server = await start(answer.promise)
  const idle = open(server)
  await once(idle, 'connect')
  const request = get(`${server.url}/v1/timers/a`, { agent: false })
  while (server.inFlight === 0) await turn()
  const ended = server[Symbol.asyncDispose]()
  await once(idle, 'close')
  answer.resolve({ ok: false, partition: 0, sequence: 0, refusal: { code: 'not_found', detail: 'gone' } })
  const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage]
  assert.equal(response.statusCode, 404)
  response.resume()
  await ended
  assert.equal(server.inFlight, 0)
  await assert.rejects(once(get(`${server.url}/v1/time`), 'response'), { code: 'ECONNREFUSED' })
})

test('its end cuts off who waits for longer than it may', async () => {
  const server = await start()
  const request = get(`${server.url}/v1/timers/a?afterVersion=1&waitMs=30000`)
  const cut = assert.rejects(once(request, 'response'), { code: 'ECONNRESET' })
  while (server.inFlight === 0) await turn()
  const startedAtMs = performance.now()
  await server[Symbol.asyncDispose]()
  await cut
  assert.ok(performance.now() - startedAtMs < 3000)
})
