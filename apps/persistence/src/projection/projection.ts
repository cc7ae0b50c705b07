// Keeps the readers of this node's partitions going: woken by news or by the clock, a bounded number at a time, one
// step each in turn, backing off after a failure. It owns no data: what was read is where the repository says.

import type { Backoff } from '@timers/shared/backoff.ts'
import { backoffMs } from '@timers/shared/backoff.ts'
import type { Clock } from '@timers/shared/clock.ts'
import { asOfMs } from './as-of.ts'
import { PartitionReader } from './partition-reader.ts'
import type { ReaderDeps, ReaderObserver, ReaderOptions, StepOutcome } from './partition-reader.ts'
import type { StoredPosition } from './repository.ts'

export interface ProjectionOptions extends Omit<ReaderOptions, 'partition'> {
  /** Steps under way at a time. */
  readonly concurrency: number
  /** A partition without news is looked at this often. */
  readonly lookEveryMs: number
  readonly backoff: Backoff
}

export interface ProjectionDeps extends ReaderDeps {
  readonly clock: Clock
  readonly random: () => number
  readonly observer: ReaderObserver & {
    failed(partition: number, error: unknown, retryInMs: number): void
  }
}

interface Lane {
  readonly partition: number
  readonly reader: PartitionReader
  state: 'waiting' | 'queued' | 'running'
  news: boolean
  failures: number
  cancelTimer: () => void
  /** What the repository has been told of `endSeenAtMs`. */
  toldEndMs: number
}

export class Projection implements AsyncDisposable {
  readonly #options: ProjectionOptions
  readonly #deps: ProjectionDeps
  readonly #lanes = new Map<number, Lane>()
  readonly #queue: Lane[] = []
  readonly #running = new Set<Promise<void>>()
  #cancelWait: (() => void) | undefined
  #closed = false

  constructor(options: ProjectionOptions, deps: ProjectionDeps) {
    this.#options = options
    this.#deps = deps
  }

  /** From now on reads these and no others. A step under way for one that left is finished. */
  assign(partitions: ReadonlySet<number>): void {
    for (const lane of this.#lanes.values()) {
      if (!partitions.has(lane.partition)) this.#drop(lane)
    }
    for (const partition of partitions) {
      if (this.#lanes.has(partition) || this.#closed) continue
      const lane: Lane = {
        partition,
        reader: new PartitionReader({ ...this.#options, partition }, this.#deps),
        state: 'waiting',
        news: true,
        failures: 0,
        cancelTimer: () => undefined,
        toldEndMs: 0,
      }
      this.#lanes.set(partition, lane)
      this.#enqueue(lane)
    }
  }

  /** There may be records up to `sequence`, or further when it is not known. */
  wake(partition: number, sequence = Number.POSITIVE_INFINITY): void {
    const lane = this.#lanes.get(partition)
    if (lane === undefined || lane.news || sequence <= (lane.reader.position?.sequence ?? 0)) return
    lane.news = true
    // After a failure only its timer starts it again.
    if (lane.state === 'waiting' && lane.failures === 0) this.#enqueue(lane)
  }

  /** How old the read model is where it is furthest behind; 0 when every reader stands at its log's end. */
  lagMs(): number {
    const nowMs = this.#deps.clock.nowMs()
    let most = 0
    for (const { reader, state, failures } of this.#lanes.values()) {
      const asOf = reader.position === undefined ? 0 : asOfMs(reader.position)
      if (asOf > 0 && (state !== 'waiting' || failures > 0)) most = Math.max(most, nowMs - asOf)
    }
    return most
  }

  /**
   * Tells the repository that readers have seen the ends of their logs without anything to write: of all, or only of
   * those it has not heard of yet.
   */
  async tellEnds(all: boolean): Promise<void> {
    const news: [Lane, StoredPosition][] = []
    for (const lane of this.#lanes.values()) {
      const { position } = lane.reader
      if (position === undefined || position.endSeenAtMs <= lane.toldEndMs) continue
      if (all || lane.toldEndMs === 0) news.push([lane, position])
    }
    if (news.length === 0) return
    await this.#deps.repository.sawEnds(news.map(([, position]) => position))
    for (const [lane, { endSeenAtMs }] of news) lane.toldEndMs = endSeenAtMs
  }

  /** Resolves when no step is under way any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    for (const lane of this.#lanes.values()) this.#drop(lane)
    this.#cancelWait?.()
    await Promise.all(this.#running)
  }

  #drop(lane: Lane): void {
    lane.cancelTimer()
    this.#lanes.delete(lane.partition)
    const at = this.#queue.indexOf(lane)
    if (at >= 0) this.#queue.splice(at, 1)
  }

  #enqueue(lane: Lane): void {
    lane.cancelTimer()
    lane.state = 'queued'
    this.#queue.push(lane)
    this.#startSteps()
  }

  #startSteps(): void {
    if (this.#queue.length > 0 && !this.#deps.repository.health().ready) {
      this.#waitForRepository()
      return
    }
    while (this.#running.size < this.#options.concurrency) {
      const lane = this.#queue.shift()
      if (lane === undefined) return
      const step = this.#step(lane).finally(() => {
        this.#running.delete(step)
        this.#startSteps()
      })
      this.#running.add(step)
    }
  }

  /** Trying each partition in turn would only tell the same a hundred times. */
  #waitForRepository(): void {
    this.#cancelWait ??= this.#deps.clock.after(this.#options.backoff.firstMs, () => {
      this.#cancelWait = undefined
      this.#startSteps()
    })
  }

  async #step(lane: Lane): Promise<void> {
    const expectNews = lane.news
    lane.state = 'running'
    lane.news = false
    try {
      const outcome = await lane.reader.step(expectNews)
      lane.failures = 0
      this.#after(lane, outcome)
    } catch (error) {
      const retryInMs = backoffMs(this.#options.backoff, lane.failures, this.#deps.random)
      lane.failures += 1
      if (this.#isCurrent(lane)) this.#deps.observer.failed(lane.partition, error, retryInMs)
      this.#wait(lane, retryInMs, true)
    }
  }

  #after(lane: Lane, outcome: StepOutcome): void {
    if (!this.#isCurrent(lane)) return
    if (outcome === 'more') lane.news = true
    if (lane.news && outcome !== 'again') this.#enqueue(lane)
    else this.#wait(lane, this.#options.lookEveryMs, false)
  }

  #wait(lane: Lane, delayMs: number, news: boolean): void {
    if (!this.#isCurrent(lane)) return
    lane.state = 'waiting'
    lane.cancelTimer = this.#deps.clock.after(delayMs, () => {
      lane.news ||= news
      this.#enqueue(lane)
    })
  }

  #isCurrent(lane: Lane): boolean {
    return this.#lanes.get(lane.partition) === lane
  }
}
