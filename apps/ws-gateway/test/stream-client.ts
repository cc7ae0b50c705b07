// A client of /v1/stream that reads the bytes themselves: names, ids and data of its events, in order.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Told } from './socket-client.ts'

export interface StreamEvent {
  readonly name: string
  readonly id: string | undefined
  readonly retry: string | undefined
  readonly data: Told | undefined
}

const patienceMs = 20_000

export interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** The answer, with its body unread. */
export async function ask(
  url: string,
  path: string,
  { method = 'GET', headers = {} }: Asked = {},
): Promise<IncomingMessage> {
  const sending = request(`${url}${path}`, { method, headers, agent: false, timeout: patienceMs })
  sending.once('timeout', () => sending.destroy(new Error(`${path} hangs`)))
  sending.end()
  const [response] = (await once(sending, 'response')) as [IncomingMessage]
  return response
}

export interface Problem {
  readonly status: number
  readonly code: string
  readonly requestId: string
  readonly errors?: readonly { readonly parameter: string; readonly code: string }[]
}

/** The problem that it must be answered with. */
export async function problem(
  url: string,
  path: string,
  asked?: Asked,
): Promise<Problem & { readonly headers: IncomingMessage['headers'] }> {
  const response = await ask(url, path, asked)
  assert.equal(response.headers['content-type'], 'application/problem+json')
  const body = JSON.parse(await text(response)) as Problem
  assert.equal(body.status, response.statusCode)
  assert.equal(body.requestId, response.headers['request-id'])
  assert.ok(response.headers['server-time'])
  return { ...body, headers: response.headers }
}

export class StreamClient implements AsyncDisposable {
  readonly response: IncomingMessage
  readonly events: StreamEvent[] = []
  #seen = 0
  #rest = ''
  #ended = false
  #wake = Promise.withResolvers<undefined>()

  private constructor(response: IncomingMessage) {
    this.response = response
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      this.#hear(chunk)
    })
    response.once('close', () => {
      this.#ended = true
      this.#wake.resolve(undefined)
    })
    response.on('error', () => undefined)
  }

  static async open(
    url: string,
    query: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<StreamClient> {
    const response = await ask(url, `/v1/stream?${query}`, { headers })
    assert.equal(response.statusCode, 200, response.statusCode === 200 ? '' : await text(response))
    assert.equal(response.headers['content-type'], 'text/event-stream; charset=utf-8')
    return new StreamClient(response)
  }

  async next(name: string): Promise<StreamEvent> {
    const untilMs = performance.now() + patienceMs
    for (;;) {
      while (this.#seen < this.events.length) {
        const event = this.events[this.#seen++]
        if (event?.name === name) return event
      }
      assert.ok(!this.#ended, `ended; told: ${JSON.stringify(this.events.slice(-3))}`)
      const leftMs = untilMs - performance.now()
      assert.ok(leftMs > 0, `no ${name} in time; told: ${JSON.stringify(this.events.slice(-3))}`)
      await Promise.race([this.#wake.promise, new Promise((resolve) => setTimeout(resolve, leftMs).unref())])
    }
  }

  async end(): Promise<void> {
    while (!this.#ended) await this.#wake.promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.response.destroy()
    await this.end()
  }

  #hear(chunk: string): void {
    const blocks = (this.#rest + chunk).split('\n\n')
    this.#rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = new Map(
        block
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      )
      const data = fields.get('data')
      const told = data === undefined ? undefined : (JSON.parse(data) as Told)
      const name = fields.get('event') ?? ''
      assert.equal(told?.type ?? '', name)
      this.events.push({ name, id: fields.get('id'), retry: fields.get('retry'), data: told })
    }
    this.#wake.resolve(undefined)
    this.#wake = Promise.withResolvers()
  }
}
