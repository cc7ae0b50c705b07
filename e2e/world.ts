// The whole system for a test, in a folder of its own, and small clients of it. Everything is real.

import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startCluster, type Cluster, type ClusterOptions } from '@timers/dev/cluster.ts'
import type { TimerJson } from '@timers/shared/timer/timer-json.ts'
import { WebSocket } from 'ws'

export interface World extends AsyncDisposable {
  readonly cluster: Cluster
  readonly url: string
  /** Every line the processes wrote. */
  readonly lines: { readonly name: string; readonly line: string }[]
}

export async function startWorld(options: Partial<ClusterOptions> = {}): Promise<World> {
  await using stack = new AsyncDisposableStack()
  const dataDirectory = await mkdtemp(join(tmpdir(), 'timers-e2e-'))
  stack.defer(() => rm(dataDirectory, { recursive: true, force: true }))
  const lines: { name: string; line: string }[] = []
  const { NATS_SERVER: natsServer, MONGOD: mongod } = process.env
  const cluster = await startCluster(
    { dataDirectory, natsServer, mongod, ...options },
    { log: (name, line) => void lines.push({ name, line }) },
  )
  stack.use(cluster)
  await Promise.all(cluster.services.map((service) => service.ready({ deadlineMs: 40_000 })))
  const owned = stack.move()
  return {
    cluster,
    url: cluster.frontDoor.url,
    lines,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

/** Rejects when no answer came. */
export async function call(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(20_000),
  })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
  }
}

export async function getTimer(url: string, id: string): Promise<TimerJson> {
  const { status, body } = await call(url, 'GET', `/v1/timers/${id}`)
  if (status !== 200) throw new Error(`GET ${id}: ${status} ${JSON.stringify(body)}`)
  return body as TimerJson
}

/** Until `look` gives something; rejects after the deadline with what `look` threw last. */
export async function eventually<T>(
  look: () => Promise<T | undefined> | T | undefined,
  withinMs = 15_000,
): Promise<T> {
  const untilMs = performance.now() + withinMs
  for (;;) {
    let fault: unknown = 'it did not come to be'
    try {
      const found = await look()
      if (found !== undefined) return found
    } catch (error) {
      fault = error
    }
    if (performance.now() > untilMs) throw new Error(`Not within ${withinMs} ms`, { cause: fault })
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

export interface Message {
  readonly type: string
  readonly at: string
  readonly timer?: TimerJson
  readonly timerId?: string
  readonly timers?: readonly TimerJson[]
  readonly missing?: readonly string[]
  readonly remainingMs?: number
  readonly version?: number
  readonly cause?: { readonly type: string; readonly requestId: string }
}

export interface Viewer extends AsyncDisposable {
  readonly told: readonly Message[]
  /** The first message that fits, told or to come. */
  find(fits: (message: Message) => boolean, withinMs?: number): Promise<Message>
}

/** Server-sent events; the messages are their data. */
export async function watchStream(url: string, query: string): Promise<Viewer> {
  const abort = new AbortController()
  const told: Message[] = []
  const messages = await openStream(url, query, abort.signal)
  const reading = (async () => {
    for await (const message of messages) told.push(message)
  })().catch(() => undefined)
  return viewer(told, async () => {
    abort.abort()
    await reading
  })
}

async function openStream(url: string, query: string, signal: AbortSignal): Promise<AsyncIterable<Message>> {
  const { status, body } = await fetch(`${url}/v1/stream?${query}`, { signal })
  if (status !== 200 || body === null) throw new Error(`the stream was refused: ${status}`)
  return messagesOf(body)
}

async function* messagesOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<Message, void> {
  let text = ''
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const events = (text + chunk).split('\n\n')
    text = events.pop() ?? ''
    for (const event of events) {
      const data = event.split('\n').find((line) => line.startsWith('data: '))
      if (data !== undefined) yield JSON.parse(data.slice(6)) as Message
    }
  }
}

/** The timers of this prefix as a viewer has them who comes back as often as the stream is lost. */
export interface Watching extends AsyncDisposable {
  readonly held: ReadonlyMap<string, TimerJson>
}

export function watchWhatever(url: string, prefix: string): Watching {
  const abort = new AbortController()
  const held = new Map<string, TimerJson>()
  const hear = ({ type, timers = [], timer, timerId = '' }: Message): void => {
    for (const one of timers) held.set(one.id, one)
    if (type === 'timer' && timer !== undefined) held.set(timer.id, timer)
    if (type === 'deleted') held.delete(timerId)
  }
  const watching = (async () => {
    while (!abort.signal.aborted) {
      try {
        const messages = await openStream(url, `prefix=${prefix}`, abort.signal)
        held.clear()
        for await (const message of messages) hear(message)
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
  })()
  return {
    held,
    async [Symbol.asyncDispose]() {
      abort.abort()
      await watching
    },
  }
}

export async function watchSocket(url: string, subscribe: object): Promise<Viewer> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/ws`, 'timers.v1.json')
  const told: Message[] = []
  socket.on('message', (data: Buffer) => {
    told.push(JSON.parse(data.toString()) as Message)
  })
  await once(socket, 'open', { signal: AbortSignal.timeout(10_000) })
  socket.send(JSON.stringify({ type: 'subscribe', requestId: 's1', ...subscribe }))
  return viewer(told, async () => {
    const closed = once(socket, 'close')
    socket.close()
    await closed
  })
}

function viewer(told: Message[], end: () => Promise<void>): Viewer {
  return {
    told,
    find: (fits, withinMs) => eventually(() => told.find(fits), withinMs),
    [Symbol.asyncDispose]: end,
  }
}
