import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, createServer, get, request as httpRequest } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { isForGateway, startFrontDoor } from './front-door.ts'
import type { FrontDoor } from './front-door.ts'
import { freePort } from './free-port.ts'

/** Tells what it was asked; upgrades to an echo; cuts off or lets wait where the path says so. */
function upstream(name: string): Server {
  const server = createServer((request, response) => {
    if (request.url === '/lost') return request.socket.destroy()
    if (request.url === '/half') {
      response.writeHead(200, { 'content-length': '100' }).write('half of')
      setImmediate(() => request.socket.destroy())
      return undefined
    }
    if (request.url === '/v1/stream') return response.writeHead(200).write('event: first\n\n')
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    return request.once('end', () => {
      const { method, url, headers } = request
      response.end(JSON.stringify({ name, method, url, host: headers.host, body }))
    })
  })
  server.on('upgrade', (request, socket) => {
    if (request.url === '/v1/ws?bye') {
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nbye')
      return
    }
    if (request.url === '/v1/ws?no') {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nno\r\n')
      return
    }
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${name}`,
    )
    socket.on('error', () => undefined).pipe(socket)
  })
  return server
}

const api = upstream('api')
const gateway = upstream('gateway')
let door: FrontDoor

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

before(async () => {
  door = await startFrontDoor({ port: 0, apis: [await listen(api)], gateways: [await listen(gateway)] })
})

after(async () => {
  await door[Symbol.asyncDispose]()
  for (const server of [api, gateway]) {
    server.close()
    server.closeAllConnections()
  }
})

async function told(path: string, init?: RequestInit): Promise<Record<string, unknown>> {
  const response = await fetch(door.url + path, init)
  assert.equal(response.status, 200)
  return (await response.json()) as Record<string, unknown>
}

/** Sends text as it is, resolves with all that came until the other side closed. */
function raw(url: string, text: string, whenData?: (socket: Socket, all: string) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    let all = ''
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text))
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      all += chunk
      whenData?.(socket, all)
    })
    socket.once('close', () => {
      resolve(all)
    })
    socket.once('error', reject)
  })
}

const upgradeTo = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: localhost:1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`

test('what goes to the gateway, and nothing else', () => {
  for (const path of ['/v1/ws', '/v1/stream?timer=a', '/ws', '/ws?x', '/ws/7', '/ws/timer/7'])
    assert.equal(isForGateway(path), true, path)
  for (const path of ['/', '/v1/timers', '/v1/wsx', '/wsx', '/v1/streams', '/timers/ws', '/?/ws'])
    assert.equal(isForGateway(path), false, path)
})

test('passes method, path, query, body and Host on as they came', async () => {
  const body = JSON.stringify({ durationMs: 1 })
  const path = '/v1/timers/a%2Fb/../c?label=x:y&label=z'
  const raw = await new Promise<IncomingMessage>((resolve) => {
    const { port } = new URL(door.url)
    const options = {
      port,
      path,
      method: 'PUT',
      headers: { host: 'localhost:77', 'content-length': body.length },
    }
    httpRequest(options, resolve).end(body)
  })
  const answer = JSON.parse(await text(raw)) as Record<string, unknown>
  assert.deepEqual(answer, { name: 'api', method: 'PUT', url: path, host: 'localhost:77', body })
  assert.equal((await told('/ws/7'))['name'], 'gateway')
})

async function text(response: IncomingMessage): Promise<string> {
  let all = ''
  for await (const chunk of response.setEncoding('utf8')) all += chunk as string
  return all
}

test('does not pass on how long the service behind it keeps a connection', async () => {
  api.keepAliveTimeout = 1_000_000
  const response = await new Promise<IncomingMessage>((resolve) => {
    get(`${door.url}/`, { agent: new Agent({ keepAlive: true }) }, resolve)
  })
  assert.equal(response.headers.connection, 'keep-alive')
  assert.equal(response.headers['keep-alive'], undefined)
  response.socket.destroy()
})

test('a stream arrives while it is still open', async () => {
  const response = await new Promise<IncomingMessage>((resolve) => get(`${door.url}/v1/stream`, resolve))
  const [first] = (await response.setEncoding('utf8').take(1).toArray()) as string[]
  assert.equal(first, 'event: first\n\n')
  response.destroy()
})

test('upgrades, both ways, and closes with the client', async () => {
  const all = await raw(door.url, upgradeTo('/v1/ws'), (socket, sofar) => {
    if (sofar.endsWith('gateway')) socket.write('hello?')
    if (sofar.endsWith('hello?')) socket.end()
  })
  assert.match(all, /^HTTP\/1\.1 101 [^]*gatewayhello\?$/)
})

test('a gateway that says no to an upgrade is passed on', async () => {
  assert.match(await raw(door.url, upgradeTo('/v1/ws?no')), /^HTTP\/1\.1 403 Forbidden/)
})

test('other upgrades are answered as plain HTTP', async () => {
  const h2c = `GET /v1/time HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n`
  assert.match(await raw(door.url, h2c), /^HTTP\/1\.1 200 OK/)
})

test('who does not hang up once the gateway has is cut off', async () => {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(door.url).port), allowHalfOpen: true })
  socket.on('error', () => undefined).write(upgradeTo('/v1/ws?bye'))
  await once(socket.resume(), 'end')
  const untilMs = performance.now() + 10_000
  while (!socket.destroyed) {
    assert.ok(performance.now() < untilMs, 'still there')
    socket.write('x') // Only to a connection that is still there more can be said.
    await delay(20)
  }
})

test('nobody behind it: 503 with a problem and Retry-After, and it lives on', async () => {
  const nobody = `http://127.0.0.1:${await freePort()}`
  await using lonely = await startFrontDoor({ port: 0, apis: [nobody], gateways: [nobody] })
  for (let i = 0; i < 3; i++) {
    const headers = { 'request-id': 'mine' }
    const response = await fetch(`${lonely.url}/v1/timers/a?b`, { method: 'PUT', body: '{}', headers })
    assert.equal(response.status, 503)
    assert.equal(response.headers.get('content-type'), 'application/problem+json')
    assert.equal(response.headers.get('retry-after'), '1')
    const problem = (await response.json()) as Record<string, unknown>
    assert.equal(problem['code'], 'unavailable')
    assert.equal(problem['instance'], '/v1/timers/a?b')
    assert.deepEqual([problem['requestId'], response.headers.get('request-id')], ['mine', 'mine'])
  }
  const refused = await raw(lonely.url, upgradeTo('/v1/ws'))
  assert.match(refused, /^HTTP\/1\.1 503 [^]*"code":"unavailable"/)
})

test('lost on the way: unavailable if it changes nothing, outcome_unknown if it may', async () => {
  assert.equal((await fetch(`${door.url}/lost`)).status, 503)
  const response = await fetch(`${door.url}/lost`, { method: 'POST', body: '{}' })
  assert.equal(response.status, 504)
  assert.equal(((await response.json()) as { code: string }).code, 'outcome_unknown')
})

test('an answer that breaks off is broken off, not left open', async () => {
  const response = await fetch(`${door.url}/half`)
  await assert.rejects(response.text())
})

test('a DELETE with an uncounted body is refused, so that it cannot carry a second request', async () => {
  const hidden = 'GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n'
  const answer = await raw(
    door.url,
    `DELETE /v1/timers/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`,
  )
  assert.match(answer, /^HTTP\/1\.1 400 [^]*"code":"malformed"/)
})

test('closes while sockets and streams are open', async () => {
  const closing = await startFrontDoor({ port: 0, apis: [door.url], gateways: [door.url] })
  const open = raw(closing.url, upgradeTo('/v1/ws'), (_socket, all) => {
    if (all.endsWith('gateway')) void closing[Symbol.asyncDispose]()
  })
  assert.match(await open, /gateway$/)
  await assert.rejects(fetch(closing.url))
})
