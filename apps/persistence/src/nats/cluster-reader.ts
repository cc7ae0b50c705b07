// Runs the projection of the cluster that is there: waits for its record, wakes readers by feed and heartbeats, tells
// how far they are, and starts over when the record names other data. What it hears only wakes; the log is read.

import type { NatsConnection } from '@nats-io/transport-node'
import type { Clock } from '@timers/shared/clock.ts'
import { pause } from '@timers/shared/clock.ts'
import type { Directory } from '@timers/shared/cluster/directory.ts'
import type { Logger } from '@timers/shared/logger.ts'
import { awaitCluster, readClusterRecord } from '@timers/shared/nats/cluster-record.ts'
import type { ClusterRecord } from '@timers/shared/nats/cluster-record.ts'
import { followEvents } from '@timers/shared/nats/event-feed.ts'
import { persistenceReader, ReaderPositions } from '@timers/shared/nats/reader-positions.ts'
import { assignedPartitions } from '../projection/assignment.ts'
import type { Projection } from '../projection/projection.ts'
import type { TimerRepository } from '../projection/repository.ts'

export interface ClusterReaderOptions {
  readonly name: string
  /** Reads every partition, whoever else is live: its repository is its own. */
  readonly alone: boolean
}

export interface ClusterReaderDeps {
  readonly connection: NatsConnection
  readonly repository: TimerRepository
  readonly directory: Directory
  readonly clock: Clock
  readonly logger: Logger
  readonly createProjection: (cluster: ClusterRecord) => Projection
}

const turnMs = 250
const turnsBetween = { ends: 4, reports: 20 }

export class ClusterReader implements AsyncDisposable {
  /** Rejects when the cluster's record is not for this build, or NATS is lost for good. */
  readonly failed: Promise<never>
  readonly #options: ClusterReaderOptions
  readonly #deps: ClusterReaderDeps
  readonly #closing = new AbortController()
  readonly #running: Promise<void>
  readonly #told = new Map<number, number>()
  #cluster: ClusterRecord | undefined
  #projection: Projection | undefined
  #assigned: ReadonlySet<number> = new Set()

  /** Begins at once. */
  constructor(options: ClusterReaderOptions, deps: ClusterReaderDeps) {
    this.#options = options
    this.#deps = deps
    const failure = Promise.withResolvers<never>()
    this.failed = failure.promise
    // Nobody may be listening.
    failure.promise.catch(() => undefined)
    this.#running = this.#run().catch((error: unknown) => {
      if (!this.#closing.signal.aborted) failure.reject(error)
    })
  }

  /** Undefined until it is known to be ready. */
  get cluster(): ClusterRecord | undefined {
    return this.#cluster
  }

  /** How many partitions this node reads. */
  get partitions(): number {
    return this.#assigned.size
  }

  /** See Projection.lagMs. */
  lagMs(): number {
    return this.#projection?.lagMs() ?? 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { connection, createProjection } = this.#deps
    const { signal } = this.#closing
    while (!signal.aborted) {
      const cluster = await awaitCluster(connection, this.#deps, signal)
      this.#cluster = cluster
      this.#told.clear()
      await using projection = createProjection(cluster)
      this.#projection = projection
      await this.#follow(cluster, projection)
    }
  }

  /** Until the cluster is another one, or the end. */
  async #follow(cluster: ClusterRecord, projection: Projection): Promise<void> {
    const { connection, directory, clock } = this.#deps
    const { signal } = this.#closing
    const readerPositions = new ReaderPositions(cluster, { connection })
    using stack = new DisposableStack()
    const feeds = stack.adopt(new Map<number, Disposable>(), disposeAll)
    const assign = (): void => {
      this.#assigned = this.#partitions(cluster)
      projection.assign(this.#assigned)
      this.#followFeeds(feeds, projection)
    }
    stack.defer(directory.onChange(assign))
    assign()
    for (let turn = 1; !signal.aborted; turn += 1) {
      await pause(clock, turnMs, signal)
      for (const partition of this.#assigned) {
        const sequence = directory.sequenceOf(partition, clock.monotonicMs())
        if (sequence !== undefined) projection.wake(partition, sequence)
      }
      await this.#quietly('ends', projection.tellEnds(turn % turnsBetween.ends === 0))
      if (turn % turnsBetween.reports === 0) {
        await this.#quietly('positions', this.#tellPositions(cluster, readerPositions))
        if (await this.#isOther(cluster)) return
      }
    }
  }

  #partitions({ partitionCount }: ClusterRecord): ReadonlySet<number> {
    const { directory, clock } = this.#deps
    const { name, alone } = this.#options
    const live = alone ? [] : directory.live('persistence', clock.monotonicMs())
    return assignedPartitions(
      name,
      live.map((node) => node.name),
      partitionCount,
    )
  }

  #followFeeds(feeds: Map<number, Disposable>, projection: Projection): void {
    for (const [partition, feed] of feeds) {
      if (this.#assigned.has(partition)) continue
      feed[Symbol.dispose]()
      feeds.delete(partition)
    }
    for (const partition of this.#assigned) {
      if (feeds.has(partition)) continue
      const onMessage = ({ sequence }: { sequence: number }): void => {
        projection.wake(partition, sequence)
      }
      feeds.set(partition, followEvents(partition, { connection: this.#deps.connection, onMessage }))
    }
  }

  /** The log may be cut up to what is safe; only what changed is told. */
  async #tellPositions({ dataId }: ClusterRecord, readerPositions: ReaderPositions): Promise<void> {
    const stored = await this.#deps.repository.durablePositions()
    const news = stored.filter(
      ({ partition, sequence, ...position }) =>
        position.dataId === dataId && this.#assigned.has(partition) && this.#told.get(partition) !== sequence,
    )
    await readerPositions.enlist(persistenceReader)
    if (news.length === 0) return
    await readerPositions.tell(persistenceReader, news)
    for (const { partition, sequence } of news) this.#told.set(partition, sequence)
  }

  async #isOther({ dataId }: ClusterRecord): Promise<boolean> {
    let found: ClusterRecord | undefined
    await this.#quietly(
      'cluster record',
      readClusterRecord(this.#deps.connection).then((record) => {
        found = record
      }),
    )
    if (found === undefined || found.dataId === dataId) return false
    this.#deps.logger.warn({ before: dataId, now: found.dataId }, 'the cluster has other data: starting over')
    return true
  }

  /** It is done again in a while; what is behind it tells its trouble by itself. */
  async #quietly(what: string, doing: Promise<void>): Promise<void> {
    try {
      await doing
    } catch (error) {
      this.#deps.logger.debug({ error, what }, 'could not tell or ask')
    }
  }
}

function disposeAll(disposables: Map<number, Disposable>): void {
  for (const disposable of disposables.values()) disposable[Symbol.dispose]()
}
