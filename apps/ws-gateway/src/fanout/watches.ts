// Which timers' ticks are wanted here, by partition: said to their owners at once when somebody begins to
// watch, then again and again, since an owner forgets. It counts viewers, it does not know them.

import type { Clock } from '@timers/shared/clock.ts'
import type { Tick, Watched } from '@timers/shared/cluster/live.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import type { TickPort } from './ports.ts'

export interface WatchesOptions {
  readonly partitionCount: number
  readonly watchMs: number
}

export interface WatchesDeps {
  readonly clock: Clock
  readonly ticks: TickPort
  readonly onTicks: (ticks: readonly Tick[]) => void
}

interface Count {
  readonly tenantId: string
  readonly timerId: string
  viewers: number
}

interface WatchedPartition {
  readonly timers: Map<string, Count>
  /** Not said yet. */
  fresh: Count[]
  readonly feed: Disposable
}

export class Watches implements Disposable {
  readonly #options: WatchesOptions
  readonly #deps: WatchesDeps
  readonly #partitions = new Map<number, WatchedPartition>()
  #cancelSoon: (() => void) | undefined
  #cancelRepeat: (() => void) | undefined

  constructor(options: WatchesOptions, deps: WatchesDeps) {
    this.#options = options
    this.#deps = deps
  }

  /** Timers watched. */
  get size(): number {
    let size = 0
    for (const { timers } of this.#partitions.values()) size += timers.size
    return size
  }

  /** One more viewer wants them. */
  add(tenantId: string, timerId: string): void {
    const partition = partitionOf(tenantId, timerId, this.#options.partitionCount)
    const watched = this.#partitions.get(partition) ?? this.#begin(partition)
    const key = `${tenantId}/${timerId}`
    const count = watched.timers.get(key)
    if (count !== undefined) {
      count.viewers += 1
      return
    }
    const first = { tenantId, timerId, viewers: 1 }
    watched.timers.set(key, first)
    watched.fresh.push(first)
    this.#cancelSoon ??= this.#deps.clock.soon(() => {
      this.#cancelSoon = undefined
      this.#sayFresh()
    })
  }

  remove(tenantId: string, timerId: string): void {
    const partition = partitionOf(tenantId, timerId, this.#options.partitionCount)
    const watched = this.#partitions.get(partition)
    const key = `${tenantId}/${timerId}`
    const count = watched?.timers.get(key)
    if (watched === undefined || count === undefined) return
    count.viewers -= 1
    if (count.viewers > 0) return
    watched.timers.delete(key)
    if (watched.timers.size > 0) return
    watched.feed[Symbol.dispose]()
    this.#partitions.delete(partition)
  }

  [Symbol.dispose](): void {
    this.#cancelSoon?.()
    this.#cancelRepeat?.()
    for (const { feed } of this.#partitions.values()) feed[Symbol.dispose]()
    this.#partitions.clear()
  }

  #begin(partition: number): WatchedPartition {
    const feed = this.#deps.ticks.follow(partition, this.#deps.onTicks)
    const watched = { timers: new Map<string, Count>(), fresh: [], feed }
    this.#partitions.set(partition, watched)
    this.#cancelRepeat ??= this.#deps.clock.after(this.#options.watchMs, this.#repeat)
    return watched
  }

  #sayFresh(): void {
    for (const [partition, watched] of this.#partitions) {
      if (watched.fresh.length > 0) this.#say(partition, watched.fresh)
      watched.fresh = []
    }
  }

  readonly #repeat = (): void => {
    this.#cancelRepeat = undefined
    for (const [partition, { timers }] of this.#partitions) this.#say(partition, [...timers.values()])
    if (this.#partitions.size > 0) {
      this.#cancelRepeat = this.#deps.clock.after(this.#options.watchMs, this.#repeat)
    }
  }

  #say(partition: number, watched: readonly Watched[]): void {
    this.#deps.ticks.watch(partition, watched)
  }
}
