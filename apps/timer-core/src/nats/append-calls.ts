// Fenced appends over one connection, and what the stream answers to each. The JetStream client would do it too,
// at twice the processor time: it makes an error, two promises and a timer for every call, and appends are most
// of what a node does. Interprets nothing: what an answer means is the log's to say.

import { createInbox, headers, type Msg, type NatsConnection } from '@nats-io/transport-node'
import { subscribe } from '@timers/shared/nats/subscribe.ts'

export type AppendAnswer =
  | { readonly kind: 'stored'; readonly sequence: number }
  /** JetStream's own number for what is wrong. */
  | { readonly kind: 'error'; readonly code: number; readonly detail: string }
  /** Nothing came in time, or nothing that could be read. */
  | { readonly kind: 'unanswered'; readonly detail: string }

interface Waiting {
  readonly untilMs: number
  readonly answer: (answer: AppendAnswer) => void
}

export interface Append {
  readonly subject: string
  /** The stream that has to be behind the subject. */
  readonly stream: string
  readonly bytes: Uint8Array
  /** The last sequence of the stream before it. */
  readonly after: number
}

export class AppendCalls {
  readonly #connection: NatsConnection
  readonly #withinMs: number
  readonly #inbox = `${createInbox()}.`
  /** In the order they were sent; all have the same time, so the first is the first to be over. */
  readonly #waiting = new Map<number, Waiting>()
  #sent = 0
  #sweep: NodeJS.Timeout | undefined

  /** Ends with the connection. */
  constructor(options: { readonly withinMs: number }, deps: { readonly connection: NatsConnection }) {
    this.#connection = deps.connection
    this.#withinMs = options.withinMs
    subscribe(deps.connection, `${this.#inbox}*`, this.#answered)
    void deps.connection.closed().then(() => {
      this.#endAll('the connection is closed')
    })
  }

  /** Never rejects. Throws nothing but what the connection throws when it is closed. */
  send({ subject, stream, bytes, after }: Append): Promise<AppendAnswer> {
    const fence = headers()
    fence.set('Nats-Expected-Stream', stream)
    fence.set('Nats-Expected-Last-Sequence', String(after))
    this.#sent += 1
    const call = this.#sent
    this.#connection.publish(subject, bytes, { headers: fence, reply: `${this.#inbox}${call}` })
    return new Promise((answer) => {
      this.#waiting.set(call, { untilMs: performance.now() + this.#withinMs, answer })
      this.#sweep ??= setTimeout(this.#endLate, this.#withinMs)
    })
  }

  readonly #answered = (message: Msg): void => {
    const call = Number(message.subject.slice(this.#inbox.length))
    const waiting = this.#waiting.get(call)
    if (waiting === undefined) return
    this.#waiting.delete(call)
    waiting.answer(read(message))
  }

  readonly #endLate = (): void => {
    this.#sweep = undefined
    const nowMs = performance.now()
    for (const [call, { untilMs, answer }] of this.#waiting) {
      if (untilMs > nowMs) {
        this.#sweep = setTimeout(this.#endLate, untilMs - nowMs)
        return
      }
      this.#waiting.delete(call)
      answer({ kind: 'unanswered', detail: `no answer within ${this.#withinMs} ms` })
    }
  }

  #endAll(detail: string): void {
    clearTimeout(this.#sweep)
    for (const { answer } of this.#waiting.values()) answer({ kind: 'unanswered', detail })
    this.#waiting.clear()
  }
}

function read(message: Msg): AppendAnswer {
  if (message.data.length === 0) return { kind: 'unanswered', detail: `status ${message.headers?.code ?? 0}` }
  try {
    const { seq, error } = message.json<{
      seq?: unknown
      error?: { err_code: number; description: string }
    }>()
    if (error !== undefined) return { kind: 'error', code: error.err_code, detail: error.description }
    if (typeof seq === 'number') return { kind: 'stored', sequence: seq }
  } catch {
    // Told below.
  }
  return { kind: 'unanswered', detail: `not an answer: ${message.string().slice(0, 200)}` }
}
