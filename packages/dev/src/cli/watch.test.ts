// What `watch` shows of a service that goes away and comes back.

import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { Screen } from './screen.ts'
import { NotReached, Refused, Service } from './service.ts'
import { watch } from './watch.ts'

type Serve = (request: IncomingMessage, response: ServerResponse) => void

/** Each connection gets the next of `serves`. */
async function startFake(...serves: Serve[]): Promise<AsyncDisposable & { readonly service: Service }> {
  const server = createServer((request, response) => {
    const serve = serves.shift()
    if (serve === undefined) request.socket.destroy()
    else serve(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    service: new Service({ url, by: 'the test' }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function timer(id: string, version: number, state: 'running' | 'completed') {
  const due = Date.now()
  const completed = state === 'completed'
  return {
    ...{ id, version, state, title: '', durationMs: 5, labels: {}, metadata: {}, retentionMs: 1 },
    deadline: new Date(due).toISOString(),
    remainingMs: completed ? 0 : null,
    completedAt: completed ? new Date(due + 7).toISOString() : null,
    completedBy: completed ? 'fire' : null,
  }
}

function tell(response: ServerResponse, event: string, id: string, fields: object): void {
  const data = JSON.stringify({ type: event, at: new Date().toISOString(), ...fields })
  response.write(`event: ${event}\n${id === '' ? '' : `id: ${id}\n`}data: ${data}\n\n`)
}

async function watched(timerIds: string[], fake: { service: Service }, prefix?: string): Promise<string[]> {
  const lines: string[] = []
  const screen = new Screen({ write: (text) => lines.push(text.trimEnd()) })
  const signal = AbortSignal.timeout(10_000)
  await watch({ kind: 'watch', timerIds, prefix }, { service: fake.service, screen, json: false, signal })
  signal.throwIfAborted()
  return lines
}

test('comes back after a lost connection with the last event id, and ends when the timer has', async () => {
  await using fake = await startFake(
    (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      tell(response, 'snapshot', 'd:3', { timers: [timer('tea', 3, 'running')], missing: [], more: false })
      setImmediate(() => response.destroy())
    },
    (request, response) => {
      assert.equal(request.headers['last-event-id'], 'd:3')
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      tell(response, 'snapshot', 'd:3', { timers: [], missing: [], more: false })
      tell(response, 'timer', 'd:4', { timer: timer('tea', 4, 'completed') })
    },
  )
  const lines = await watched(['tea'], fake)
  assert.match(lines[0] ?? '', /^tea {2}running/)
  assert.match(lines[1] ?? '', /^the connection is lost, trying again/)
  assert.match(lines[2] ?? '', /^tea {2}completed {2}fired .*, 7 ms late, seen here after \d+ ms$/)
  assert.equal(lines.length, 3)
})

test('waits for a timer that is not there, and ends with its deletion', async () => {
  await using fake = await startFake((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    tell(response, 'snapshot', '', { timers: [], missing: ['tea'], more: false })
    tell(response, 'timer', '', { timer: timer('tea', 1, 'running') })
    tell(response, 'deleted', '', { timerId: 'tea', version: 2 })
  })
  const lines = await watched(['tea'], fake)
  assert.equal(lines[0], 'tea  is not there yet')
  assert.match(lines[1] ?? '', /^tea {2}running/)
  assert.equal(lines[2], 'tea  deleted')
})

test('a refusal, and nobody at all, end it at once', async () => {
  const problem = { title: 'T', status: 422, code: 'invalid_value', detail: 'D' }
  await using fake = await startFake((_, response) => {
    response.writeHead(422, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem))
  })
  await assert.rejects(watched(['tea'], fake), (error) => error instanceof Refused && !error.isBusy)
  await assert.rejects(watched(['tea'], fake), NotReached)
})

test('what a prefix shows no more after a lost connection was deleted', async () => {
  await using fake = await startFake(
    (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const timers = [timer('a1', 1, 'running'), timer('a2', 1, 'running')]
      tell(response, 'snapshot', '', { timers, missing: [], more: false })
      response.end('retry: 1\n\n')
    },
    (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      tell(response, 'snapshot', '', { timers: [timer('a2', 1, 'running')], missing: [], more: true })
      tell(response, 'snapshot', '', { timers: [timer('a3', 1, 'running')], missing: [], more: false })
      tell(response, 'error', '', { code: 'quota_exceeded', detail: 'too many' })
    },
  )
  const lines: string[] = []
  const screen = new Screen({ write: (text) => lines.push(text.trimEnd()) })
  const task = { kind: 'watch', timerIds: [], prefix: 'a' } as const
  const signal = AbortSignal.timeout(10_000)
  await assert.rejects(watch(task, { service: fake.service, screen, json: false, signal }), /too many/)
  assert.deepEqual(
    lines.map((line) => line.split(/ {2}/).slice(0, 2).join(' ')),
    [
      'a1 running',
      'a2 running',
      'the connection is lost, trying again: the service ended the stream',
      'a3 running',
      'a1 deleted',
    ],
  )
})
