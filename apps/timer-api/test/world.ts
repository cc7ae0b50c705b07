// The real cluster for the tests of this API, and a client that holds every answer to what all answers
// must have.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text as readText } from 'node:stream/consumers'
import { startCluster, type Cluster, type ClusterDeps, type ClusterOptions } from '@timers/dev/cluster.ts'
import { errorTable } from '@timers/shared/errors.ts'
import type { TimerJson } from '@timers/shared/timer/timer-json.ts'
import { answerSchemas, type AnswerName } from '../src/http/answer-schemas.ts'

export interface Sent {
  readonly headers?: Readonly<Record<string, string>>
  /** Text and bytes go as they are, anything else as JSON. */
  readonly body?: unknown
}

export interface Problem {
  readonly code: string
  readonly detail: string
  readonly instance: string
  readonly errors?: { pointer?: string; parameter?: string; header?: string; code: string }[]
}

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
  readonly json: unknown
  /** Checked. */
  readonly timer: TimerJson
  readonly problem: Problem
}

export class Api implements Disposable {
  readonly url: string
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 })

  constructor(url: string) {
    this.url = url
  }

  async call(method: string, path: string, { headers = {}, body }: Sent = {}): Promise<Reply> {
    const bytes =
      body === undefined || typeof body === 'string' || body instanceof Uint8Array
        ? body
        : JSON.stringify(body)
    const { hostname, port } = new URL(this.url)
    const type = bytes === undefined ? {} : { 'content-type': 'application/json' }
    const length = bytes === undefined ? {} : { 'content-length': String(Buffer.byteLength(bytes)) }
    const sending = httpRequest({
      host: hostname,
      port,
      method,
      path,
      headers: { ...type, ...length, ...headers },
      agent: this.#agent,
      timeout: 45_000,
    })
    sending.once('timeout', () => sending.destroy(new Error(`${method} ${path} hangs`)))
    sending.end(bytes)
    const [response] = (await once(sending, 'response')) as [import('node:http').IncomingMessage]
    const text = await readText(response)
    const reply = replyOf(response.statusCode ?? 0, response.headers as Reply['headers'], text)
    checkAnswer(reply, method)
    return reply
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
    return this.call('GET', path, { headers })
  }

  put(id: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
    return this.call('PUT', `/v1/timers/${id}`, { body, headers })
  }

  post(path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
    return this.call('POST', path, { body, headers })
  }

  /** Bytes as they are; all that comes back until the server closes. */
  async raw(bytes: string | Uint8Array): Promise<string> {
    const { hostname, port } = new URL(this.url)
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
    socket.setTimeout(45_000, () => socket.destroy(new Error('no end came')))
    socket.write(bytes)
    const answer = await readText(socket)
    socket.destroy()
    return answer
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}

function replyOf(status: number, headers: Reply['headers'], text: string): Reply {
  return {
    status,
    headers,
    text,
    get json() {
      return JSON.parse(text) as unknown
    },
    get timer() {
      answerSchemas.Timer.parse(JSON.parse(text))
      return JSON.parse(text) as TimerJson
    },
    get problem() {
      assert.equal(headers['content-type'], 'application/problem+json', text)
      return JSON.parse(text) as Problem
    },
  }
}

/** What holds of every answer, whatever was asked. */
function checkAnswer({ status, headers, text }: Reply, method: string): void {
  assert.ok(headers['request-id'], 'a Request-Id')
  assert.match(headers['server-time'] ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.equal(headers['access-control-allow-origin'], '*')
  if (method === 'HEAD' || status === 204 || status === 304) assert.equal(text, '')
  else if (status >= 400) {
    const problem = answerSchemas.Problem.parse(JSON.parse(text))
    const row = errorTable[problem.code as keyof typeof errorTable]
    assert.equal(headers['content-type'], 'application/problem+json')
    assert.deepEqual(
      [problem.status, problem.title, problem.type],
      [row.http, row.title, `/problems/${problem.code}`],
    )
    assert.equal(status, problem.status)
    assert.equal(problem.requestId, headers['request-id'])
    assert.equal(headers['retry-after'] !== undefined, problem.retryAfterMs !== undefined)
    if (status === 503) assert.ok(problem.retryAfterMs)
  }
}

/** The answer as this schema says, strictly. */
export function as<Name extends AnswerName>(name: Name, reply: Reply) {
  assert.equal(reply.status, 200, reply.text)
  answerSchemas[name].parse(reply.json)
  return reply.json as ReturnType<(typeof answerSchemas)[Name]['parse']>
}

export interface World extends AsyncDisposable {
  readonly cluster: Cluster
  readonly api: Api
}

/** Everything real; persistence keeps files unless a mongod is given. */
export async function startWorld(
  options: Partial<ClusterOptions> = {},
  deps: ClusterDeps = {},
): Promise<World> {
  await using stack = new AsyncDisposableStack()
  const dataDirectory = await mkdtemp(join(tmpdir(), 'timer-api-'))
  stack.defer(() => rm(dataDirectory, { recursive: true, force: true }))
  const cluster = stack.use(await startCluster({ dataDirectory, ...options }, deps))
  const { http } = cluster.service('timer-api')
  assert.ok(http)
  const api = stack.use(new Api(http))
  const owned = stack.move()
  return { cluster, api, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Asks again until the check holds; its last complaint after 20 s. */
export async function eventually<T>(check: () => Promise<T>): Promise<T> {
  const untilMs = performance.now() + 20_000
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > untilMs) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
