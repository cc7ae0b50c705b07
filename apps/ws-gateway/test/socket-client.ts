// A client on a real socket: what it was told, in order, and waiting for the next that fits.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { WebSocket, type ClientOptions } from 'ws'
import type { TimerJson } from '@timers/shared/timer/timer-json.ts'

export interface Told {
  readonly type: string
  readonly at: string
  readonly requestId?: string
  readonly subscriptionId?: string
  readonly code?: string | number
  readonly errors?: readonly { readonly pointer: string; readonly code: string }[]
  readonly timer?: TimerJson
  readonly timers?: readonly TimerJson[]
  readonly cause?: { readonly type: string; readonly actor?: object; readonly requestId?: string }
  readonly deleted?: unknown
  readonly [field: string]: unknown
}

const patienceMs = 20_000

export class SocketClient implements AsyncDisposable {
  readonly webSocket: WebSocket
  readonly told: Told[] = []
  #seen = 0
  #requests = 0
  #wake = Promise.withResolvers<undefined>()
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>

  private constructor(webSocket: WebSocket) {
    this.webSocket = webSocket
    webSocket.on('error', () => undefined)
    webSocket.on('message', (data) => {
      const message = JSON.parse((data as Buffer).toString()) as Told
      assert.match(message.at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      this.told.push(message)
      this.#wake.resolve(undefined)
      this.#wake = Promise.withResolvers()
    })
    this.closed = once(webSocket, 'close').then(([code, reason]) => {
      this.#wake.resolve(undefined)
      return { code: Number(code), reason: String(reason) }
    })
  }

  /** `url`: of the gateway. Resolves when the socket is open. */
  static async open(
    url: string,
    options: ClientOptions = {},
    protocols: string[] = [],
  ): Promise<SocketClient> {
    const address = `${url.replace('http', 'ws')}/v1/ws`
    const client = new SocketClient(
      new WebSocket(address, protocols, { perMessageDeflate: false, ...options }),
    )
    await once(client.webSocket, 'open')
    return client
  }

  send(message: object): void {
    this.webSocket.send(JSON.stringify(message))
  }

  /** The next, after those already asked for, that fits. */
  async next(fits: (message: Told) => boolean): Promise<Told> {
    const untilMs = performance.now() + patienceMs
    for (;;) {
      while (this.#seen < this.told.length) {
        const message = this.told[this.#seen++]
        if (message !== undefined && fits(message)) return message
      }
      assert.ok(
        this.webSocket.readyState === WebSocket.OPEN,
        `closed; told: ${JSON.stringify(this.told.slice(-3))}`,
      )
      const leftMs = untilMs - performance.now()
      assert.ok(leftMs > 0, `not told in time; last: ${JSON.stringify(this.told.slice(-3))}`)
      await Promise.race([this.#wake.promise, new Promise((resolve) => setTimeout(resolve, leftMs).unref())])
    }
  }

  nextOf(type: string): Promise<Told> {
    return this.next((message) => message.type === type)
  }

  /** All answers to one request: pages of an ack, or an error. */
  async ask(message: object): Promise<Told[]> {
    this.#requests += 1
    const request = { requestId: `req-${this.#requests}`, ...message }
    const { requestId } = request
    this.send(request)
    const answers: Told[] = []
    do answers.push(await this.next((told) => told.requestId === requestId && told.type !== 'timer'))
    while (answers.at(-1)?.['more'] === true)
    return answers
  }

  /** The one answer. */
  async one(message: object): Promise<Told> {
    const [answer, ...others] = await this.ask(message)
    assert.ok(answer !== undefined && others.length === 0)
    return answer
  }

  command(timerId: string, op: string, fields: object = {}): Promise<Told> {
    return this.one({ type: 'command', timerId, op, ...fields })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.webSocket.terminate()
    if (this.webSocket.readyState !== WebSocket.CLOSED) await this.closed
  }
}
