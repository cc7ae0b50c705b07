// Answers questions from the repository, and says as of when. It answers from whole documents only: until every
// partition has been read to its end once, and whenever the repository is away, it refuses as unavailable, at once.

import type { Clock } from '@timers/shared/clock.ts'
import { pause } from '@timers/shared/clock.ts'
import { RefusalError } from '@timers/shared/errors.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import type {
  EventPage,
  FeedPage,
  FeedQuery,
  ListQuery,
  TimerEventsQuery,
  TimerPage,
  TimerStats,
} from '@timers/shared/timer/queries.ts'
import type { LogPosition } from '@timers/shared/timer/results.ts'
import { asOfAll, asOfMs, hasReached } from './as-of.ts'
import { allPlaces, nextPlaces, placesBehind } from './feed.ts'
import type { FeedSlice, StoredPosition, TimerRepository } from './repository.ts'

export interface Cluster {
  readonly dataId: string
  readonly partitionCount: number
}

export interface ReadModelOptions {
  readonly atLeastWaitMs: number
  /** Positions this old are good enough to go by. */
  readonly positionsAgeMs: number
  /** Lists that wait for `atLeast` at a time. */
  readonly waitingMost: number
}

export interface ReadModelDeps {
  readonly repository: TimerRepository
  readonly clock: Clock
  /** Undefined until the cluster is known to be ready. */
  readonly cluster: () => Cluster | undefined
}

export class ReadModel {
  readonly #options: ReadModelOptions
  readonly #deps: ReadModelDeps
  #positions: { readonly readAtMs: number; readonly found: readonly StoredPosition[] } | undefined
  #reading: Promise<readonly StoredPosition[]> | undefined
  #waiting = 0

  constructor(options: ReadModelOptions, deps: ReadModelDeps) {
    this.#options = options
    this.#deps = deps
  }

  async list(query: ListQuery): Promise<TimerPage> {
    const cluster = this.#cluster()
    if (query.atLeast.length > 0) await this.#awaitAtLeast(query.atLeast, cluster)
    const asOf = this.#asOf(await this.#storedPositions(), cluster)
    const { items, more } = await this.#deps.repository.list(query)
    return { timers: items, more, asOfMs: asOf }
  }

  async timerEvents(query: TimerEventsQuery): Promise<EventPage> {
    const { dataId, partitionCount } = this.#cluster()
    const partition = partitionOf(query.tenantId, query.timerId, partitionCount)
    const positions = await this.#storedPositions()
    const position = positions.find((stored) => stored.partition === partition && stored.dataId === dataId)
    if (position === undefined || position.endSeenAtMs === 0) throw building()
    const { items, more } = await this.#deps.repository.timerEvents(partition, query)
    return { events: items, more, asOfMs: asOfMs(position) }
  }

  async feed(query: FeedQuery): Promise<FeedPage> {
    const cluster = this.#cluster()
    const positions = await this.#storedPositions()
    const asOf = this.#asOf(positions, cluster)
    const after = allPlaces(query.after, cluster.partitionCount)
    const behind = placesBehind(after, positions)
    const { items, more, lookedUpTo }: FeedSlice =
      behind.length === 0 ? nothing : await this.#deps.repository.feed({ ...query, after: behind })
    const next = nextPlaces(after, items, more, positions, lookedUpTo)
    return { events: items, more, next, asOfMs: asOf }
  }

  async stats(tenantId: string): Promise<TimerStats> {
    const asOf = this.#asOf(await this.#storedPositions(), this.#cluster())
    return { byState: await this.#deps.repository.stats(tenantId), asOfMs: asOf }
  }

  #cluster(): Cluster {
    const { repository, cluster } = this.#deps
    const { ready, reasons } = repository.health()
    if (!ready) throw unavailable(`the read model is away: ${reasons.join(', ')}`)
    const known = cluster()
    if (known === undefined) throw unavailable('the cluster is not known yet')
    return known
  }

  #asOf(positions: readonly StoredPosition[], cluster: Cluster): number {
    const asOf = asOfAll(positions, cluster)
    if (asOf === undefined) throw building()
    return asOf
  }

  async #awaitAtLeast(wanted: readonly LogPosition[], { partitionCount }: Cluster): Promise<void> {
    if (wanted.some(({ partition }) => partition >= partitionCount)) {
      throw new RefusalError({ code: 'invalid_value', detail: 'atLeast names a partition that is not there' })
    }
    const { clock } = this.#deps
    const { atLeastWaitMs, positionsAgeMs, waitingMost } = this.#options
    const untilMs = clock.monotonicMs() + atLeastWaitMs
    if (this.#waiting >= waitingMost) throw unavailable('too many lists wait for their position')
    this.#waiting += 1
    try {
      while (!hasReached(await this.#storedPositions(), wanted)) {
        if (clock.monotonicMs() >= untilMs) throw unavailable('the read model is not that far yet')
        await pause(clock, positionsAgeMs)
      }
    } finally {
      this.#waiting -= 1
    }
  }

  /** One reading serves all who ask while it is under way or fresh: older positions only promise less. */
  async #storedPositions(): Promise<readonly StoredPosition[]> {
    const known = this.#positions
    const freshSinceMs = this.#deps.clock.monotonicMs() - this.#options.positionsAgeMs
    if (known !== undefined && known.readAtMs > freshSinceMs) return known.found
    this.#reading ??= this.#readPositions().finally(() => {
      this.#reading = undefined
    })
    return await this.#reading
  }

  async #readPositions(): Promise<readonly StoredPosition[]> {
    const readAtMs = this.#deps.clock.monotonicMs()
    const found = await this.#deps.repository.positions()
    this.#positions = { readAtMs, found }
    return found
  }
}

const nothing = { items: [], more: false } as const

function building(): RefusalError {
  return unavailable('the read model is being built')
}

function unavailable(detail: string): RefusalError {
  return new RefusalError({ code: 'unavailable', detail, retryAfterMs: 1000 })
}
