// Ticks for those who cannot count by themselves: each watched, running timer is told when its whole second
// changes. Nothing depends on a tick; an unwatched timer costs nothing here.

import type { Clock } from '@timers/shared/clock.ts'
import type { Tick, WatchList } from '@timers/shared/cluster/live.ts'
import type { TimerEvent } from '@timers/shared/timer/event.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'
import { Alarm } from '../deadline/alarm.ts'
import { DeadlineQueue } from '../deadline/deadline-queue.ts'

export const tickLimits = {
  /** A watch that is not repeated ends. */
  watchedForMs: 5000,
  /** Ticks due within so long of each other go in one message. */
  togetherMs: 20,
  /** Timers watched at once on a node; more are not ticked. */
  timers: 200_000,
  /** Ticks in one message. */
  aMessage: 2000,
} as const

export interface TickerDeps {
  readonly clock: Clock
  /** A timer of a partition that this node serves. */
  readonly timerOf: (partition: number, tenantId: string, timerId: string) => Timer | undefined
  readonly send: (partition: number, ticks: readonly Tick[]) => void
}

interface Watched {
  readonly partition: number
  readonly tenantId: string
  readonly timerId: string
  untilMs: number
  handle: number
  /** What the tick that is scheduled will say; version and time left. */
  version: number
  remainingMs: number
}
const notScheduled = -1

export class Ticker {
  readonly #deps: TickerDeps
  readonly #watched = new Map<string, Watched>()
  readonly #queue = new DeadlineQueue({ capacity: tickLimits.timers })
  readonly #byHandle: (Watched | undefined)[] = []
  readonly #alarm: Alarm
  #notBeforeMs = 0
  #sweepAtMs = 0

  constructor(deps: TickerDeps) {
    this.#deps = deps
    this.#alarm = new Alarm({ clock: deps.clock, onDue: this.#due })
  }

  get size(): number {
    return this.#watched.size
  }

  /** Timers a gateway's viewers want ticks of; to be repeated. */
  watch(partition: number, list: WatchList): void {
    const nowMs = this.#deps.clock.monotonicMs()
    this.#sweep(nowMs)
    for (const { tenantId, timerId } of list.watched) {
      const key = keyOf(tenantId, timerId)
      let watched = this.#watched.get(key)
      if (watched === undefined) {
        if (this.#watched.size >= tickLimits.timers) return
        watched = {
          partition,
          tenantId,
          timerId,
          untilMs: 0,
          handle: notScheduled,
          version: 0,
          remainingMs: 0,
        }
        this.#watched.set(key, watched)
      }
      watched.untilMs = nowMs + tickLimits.watchedForMs
      if (watched.handle === notScheduled)
        this.#schedule(watched, this.#deps.timerOf(partition, tenantId, timerId))
    }
    this.#arm()
  }

  /** A timer has changed. */
  applied({ type, timer }: TimerEvent): void {
    if (this.#watched.size === 0) return
    const watched = this.#watched.get(keyOf(timer.tenantId, timer.timerId))
    if (watched === undefined) return
    this.#schedule(watched, type === 'deleted' ? undefined : timer)
    this.#arm()
  }

  stop(): void {
    this.#alarm.set(Infinity)
    this.#watched.clear()
  }

  readonly #due = (): void => {
    const { clock, send, timerOf } = this.#deps
    const nowMs = clock.nowMs()
    const ticks = new Map<number, Tick[]>()
    for (const watched of this.#takeDue(nowMs)) {
      const { partition, tenantId, timerId, version, remainingMs } = watched
      const timer = timerOf(partition, tenantId, timerId)
      if (timer?.state !== 'running' || watched.untilMs < clock.monotonicMs()) continue
      if (timer.version === version) {
        const list = ticks.get(partition)
        const tick = { tenantId, timerId, version, remainingMs }
        if (list === undefined) ticks.set(partition, [tick])
        else list.push(tick)
      }
      this.#schedule(watched, timer)
    }
    for (const [partition, list] of ticks) send(partition, list)
    this.#notBeforeMs = nowMs + tickLimits.togetherMs
    this.#arm()
  }

  /** All at once: a handle that came out of the queue is given away again by the next to go in. */
  #takeDue(nowMs: number): Watched[] {
    const handles: number[] = []
    this.#queue.popDue(nowMs, tickLimits.aMessage, handles)
    const due: Watched[] = []
    for (const handle of handles) {
      const watched = this.#byHandle[handle]
      if (watched === undefined) throw new Error(`The tick queue holds a handle nobody has: ${handle}`)
      this.#byHandle[handle] = undefined
      watched.handle = notScheduled
      due.push(watched)
    }
    return due
  }

  /** At the next instant at which a whole number of seconds is left, and at least one. */
  #schedule(watched: Watched, timer: Timer | undefined): void {
    const nowMs = this.#deps.clock.nowMs()
    const seconds = timer?.state === 'running' ? Math.ceil((timer.deadlineMs - nowMs) / 1000) - 1 : 0
    if (timer?.state !== 'running' || seconds < 1) {
      this.#unschedule(watched)
      return
    }
    watched.version = timer.version
    watched.remainingMs = seconds * 1000
    const atMs = timer.deadlineMs - watched.remainingMs
    if (watched.handle === notScheduled) {
      // There is room: no more are watched than it holds.
      watched.handle = this.#queue.schedule(atMs) ?? notScheduled
      this.#byHandle[watched.handle] = watched
    } else {
      this.#queue.move(watched.handle, atMs)
    }
  }

  #unschedule(watched: Watched): void {
    if (watched.handle === notScheduled) return
    this.#queue.cancel(watched.handle)
    this.#byHandle[watched.handle] = undefined
    watched.handle = notScheduled
  }

  #arm(): void {
    this.#alarm.set(Math.max(this.#queue.earliestMs, this.#notBeforeMs))
  }

  #sweep(nowMs: number): void {
    if (nowMs < this.#sweepAtMs) return
    this.#sweepAtMs = nowMs + 1000
    for (const [key, watched] of this.#watched) {
      if (watched.untilMs >= nowMs) continue
      this.#unschedule(watched)
      this.#watched.delete(key)
    }
  }
}

function keyOf(tenantId: string, timerId: string): string {
  return `${tenantId}/${timerId}`
}
