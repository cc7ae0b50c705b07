// `watch`: the count, live. It comes from each timer's deadline and from what the service's clock says, not from
// ticks; a lost connection is made again, and what was missed is told by the next snapshot.

import { setTimeout as delay } from 'node:timers/promises'
import { backoffMs } from '@timers/shared/backoff.ts'
import type { TimerJson } from '@timers/shared/timer/timer-json.ts'
import type { Watch } from './commands.ts'
import { readEvents, type ServerSentEvent } from './server-sent-events.ts'
import { NotReached, Refused, type Service } from './service.ts'
import { latenessMs, timerLine } from './show.ts'
import type { Screen } from './screen.ts'

export interface WatchDeps {
  readonly service: Service
  readonly screen: Screen
  readonly json: boolean
  readonly signal: AbortSignal
}

/** Twice the heartbeat of the stream: then nobody is there. */
const silenceMs = 31_000
const againMs = { firstMs: 250, mostMs: 5000 }
/** How often the count is drawn. */
const drawEveryMs = 100

/** What any of the stream's messages may have. */
interface Message {
  readonly at: string
  readonly timers?: readonly TimerJson[]
  readonly missing?: readonly string[]
  readonly more?: boolean
  readonly timer?: TimerJson
  readonly timerId?: string
  readonly kind?: string
  readonly data?: unknown
  readonly stale?: boolean | readonly string[]
  readonly code?: string
  readonly detail?: string
  readonly retryAfterMs?: number
}

/** Returns when every timer that is named has ended, or when the signal aborts. */
export async function watch(task: Watch, deps: WatchDeps): Promise<void> {
  const watching = new Watching(task, deps)
  using stack = new DisposableStack()
  stack.use(deps.screen.live(drawEveryMs, () => watching.lines()))
  await watching.run()
}

class Watching {
  readonly #task: Watch
  readonly #deps: WatchDeps
  readonly #timers = new Map<string, TimerJson>()
  /** Named and not there yet. */
  readonly #missing = new Set<string>()
  /** Completed, or deleted after it was there. */
  readonly #ended = new Set<string>()
  /** Of the snapshot that is coming in. */
  readonly #inSnapshot = new Set<string>()
  /** The service's clock minus performance.now(), by the message that took the least time to come. */
  #offsetMs = -Infinity
  #lastEventId = ''
  #retryMs: number | undefined
  #note = ''

  constructor(task: Watch, deps: WatchDeps) {
    this.#task = task
    this.#deps = deps
  }

  /** What is shown now: the timers that have not ended. */
  lines(): string[] {
    const going = [...this.#timers.values()].filter(({ state }) => state !== 'completed')
    const width = Math.max(0, ...going.map(({ id }) => id.length))
    const nowMs = this.#offsetMs + performance.now()
    const lines = going.sort((a, b) => due(a) - due(b)).map((timer) => timerLine(timer, nowMs, width))
    for (const id of this.#missing) lines.push(`${id}  is not there yet`)
    return this.#note === '' ? lines : [...lines, `(${this.#note})`]
  }

  async run(): Promise<void> {
    const { signal } = this.#deps
    let connected = false
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        for await (const event of this.#connect()) {
          connected = true
          attempt = 0
          if (this.#hear(event)) return
        }
        this.#lost('the service ended the stream')
      } catch (error) {
        const passing = error instanceof NotReached || (error instanceof Refused && error.isBusy)
        // A first try that fails is most likely a wrong URL; later it is the service that is being restarted.
        if (!passing || !connected) throw error
        this.#lost(error.message)
      }
      const waitMs = this.#retryMs ?? backoffMs(againMs, attempt, Math.random)
      this.#retryMs = undefined
      await delay(waitMs, undefined, { signal }).catch(() => undefined)
    }
  }

  async *#connect(): AsyncGenerator<ServerSentEvent, void, void> {
    const { timerIds, prefix } = this.#task
    const silent = new AbortController()
    const watchdog = setTimeout(() => {
      silent.abort()
    }, silenceMs)
    try {
      const { body } = await this.#deps.service.ask({
        path: '/v1/stream',
        query: prefix === undefined ? timerIds.map((id) => ['timer', id] as const) : [['prefix', prefix]],
        headers: {
          accept: 'text/event-stream',
          ...(this.#lastEventId !== '' && { 'last-event-id': this.#lastEventId }),
        },
        signal: AbortSignal.any([this.#deps.signal, silent.signal]),
      })
      if (body === null) return
      yield* readEvents(body, {
        onBytes: () => watchdog.refresh(),
        onRetry: (ms) => {
          this.#retryMs = ms
        },
      })
    } catch (error) {
      if (error instanceof Refused || this.#deps.signal.aborted) throw error
      throw new NotReached(silent.signal.aborted ? 'the service is silent' : String(error))
    } finally {
      clearTimeout(watchdog)
    }
  }

  /** True when there is nothing left to wait for. */
  #hear({ event, data, id }: ServerSentEvent): boolean {
    this.#lastEventId = id
    if (this.#deps.json) this.#deps.screen.print(data)
    const message = JSON.parse(data) as Message
    this.#offsetMs = Math.max(this.#offsetMs, Date.parse(message.at) - performance.now())
    switch (event) {
      case 'snapshot':
        this.#snapshot(message)
        break
      case 'timer':
        if (message.timer !== undefined) this.#newer(message.timer)
        break
      case 'deleted':
        this.#gone(message.timerId ?? '')
        break
      case 'message':
        this.#say(`${message.timerId ?? 'to all'}  ${message.kind ?? ''} ${JSON.stringify(message.data)}`)
        break
      case 'stale':
        this.#note = message.stale === true ? 'nobody owns a timer at the moment: this may be old' : ''
        break
      case 'error':
        throw new Refused({ title: 'The stream has ended', status: 403, code: '', detail: '', ...message })
      case 'goodbye':
        this.#retryMs = message.retryAfterMs
        break
    }
    const { timerIds } = this.#task
    return timerIds.length > 0 && timerIds.every((timerId) => this.#ended.has(timerId))
  }

  #snapshot({ timers = [], missing = [], more = false }: Message): void {
    this.#note = ''
    for (const timer of timers) {
      this.#newer(timer)
      this.#inSnapshot.add(timer.id)
    }
    for (const timerId of missing) this.#gone(timerId)
    if (more) return
    // What begins with a prefix is told whole: the rest was deleted while we did not hear.
    if (this.#task.prefix !== undefined)
      for (const timerId of this.#timers.keys()) if (!this.#inSnapshot.has(timerId)) this.#gone(timerId)
    this.#inSnapshot.clear()
  }

  #newer(timer: TimerJson): void {
    const { id, state, version, completedBy } = timer
    const before = this.#timers.get(id)
    if (before !== undefined && before.version >= version) return
    this.#timers.set(id, timer)
    this.#missing.delete(id)
    if (state === 'completed') this.#ended.add(id)
    else this.#ended.delete(id)
    // On a live screen it is among the lines already.
    if (before === undefined && state !== 'completed' && this.#deps.screen.isLive) return
    const nowMs = this.#offsetMs + performance.now()
    const seenMs = Math.max(latenessMs(timer), Math.round(nowMs - due(timer)))
    const seen = completedBy === 'fire' && before !== undefined ? `, seen here after ${seenMs} ms` : ''
    this.#say(timerLine(timer, nowMs) + seen)
  }

  #gone(timerId: string): void {
    const known = this.#timers.delete(timerId)
    if (known) this.#ended.add(timerId)
    if (known || !this.#missing.has(timerId))
      this.#say(`${timerId}  ${known ? 'deleted' : 'is not there yet'}`)
    if (!known) this.#missing.add(timerId)
  }

  #lost(why: string): void {
    this.#note = `the connection is lost, trying again: ${why}`
    if (!this.#deps.screen.isLive) this.#say(this.#note)
  }

  #say(line: string): void {
    if (!this.#deps.json) this.#deps.screen.print(line)
  }
}

function due({ deadline }: TimerJson): number {
  return deadline === null ? Infinity : Date.parse(deadline)
}
