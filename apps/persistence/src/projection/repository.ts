// The port to the read model: documents, audit and positions. Two rooms implement it, mongo/ and file/, held to
// one test suite. It never judges what counts in the log; that is the projection's.

import type { LoggedEvent } from '@timers/shared/timer/event.ts'
import type {
  AuditEvent,
  FeedQuery,
  ListQuery,
  TimerEventsQuery,
  TimerStats,
} from '@timers/shared/timer/queries.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'

/** A place in one partition's log from which reading can go on. */
export interface Place {
  /** Every record up to it is in the read model; the next to read is the one after it. */
  readonly sequence: number
  /** In force after it; undefined before the first Takeover. */
  readonly term: string | undefined
  /** When the broker stored that record, by which it is known again; undefined when it was not read. */
  readonly storedAtMs: number | undefined
}

export interface StoredPosition extends Place {
  readonly partition: number
  readonly dataId: string
  /** Names one building of the partition's documents: what an older building writes late does not count. */
  readonly build: string
  /** When a reader last found the log's end here, in cluster time; 0 = not since it was built. */
  readonly endSeenAtMs: number
}

/** Records that were never read: `from` to `to`, both included. */
export interface Gap {
  readonly from: number
  readonly to: number
}

export interface Rebuild {
  readonly partition: number
  readonly dataId: string
  /** The first record that will be read. */
  readonly first: number
  /** What the read model has of this record and later ones goes. */
  readonly clearFrom: number
  /** In force where reading starts. */
  readonly term: string | undefined
  readonly gap: Gap | undefined
  /** The build it replaces; somebody else may have replaced it already. */
  readonly replaces: string | undefined
}

/** A record that cannot be read as one: kept as it is, for people to look at. */
export interface Poison {
  readonly sequence: number
  readonly reason: string
  readonly data: Uint8Array
}

export interface ProjectedBatch {
  readonly partition: number
  readonly dataId: string
  readonly build: string
  /** The newest event of each timer in it. */
  readonly newest: readonly LoggedEvent[]
  /** All of them, in the order of the log. */
  readonly events: readonly LoggedEvent[]
  readonly poison: readonly Poison[]
  /** After the last record of it. */
  readonly place: Place
}

export type SeenEnd = Pick<StoredPosition, 'partition' | 'build' | 'endSeenAtMs'>

export interface Slice<T> {
  readonly items: readonly T[]
  readonly more: boolean
}

export interface FeedSlice extends Slice<AuditEvent> {
  /** Given when it was not looked further: every event up to this record, in any partition, that is wanted is there. */
  readonly lookedUpTo?: number
}

export interface RepositoryHealth {
  /** Takes and answers. */
  readonly ready: boolean
  /** Why not, or what an operator should know. */
  readonly reasons: readonly string[]
}

/** The read model is not to be had just now; what was asked may be asked again. */
export class RepositoryUnavailableError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'RepositoryUnavailableError'
  }
}

/** Every method is bounded in time and throws RepositoryUnavailableError. */
export interface TimerRepository extends AsyncDisposable {
  /** Positions of all partitions that can be read on from. */
  positions(): Promise<readonly StoredPosition[]>
  position(partition: number): Promise<StoredPosition | undefined>
  /** Positions that are still there after a crash: the log may be cut up to them. */
  durablePositions(): Promise<readonly StoredPosition[]>
  /** Starts a partition's documents anew; without effect when `replaces` is no longer the build that stands. */
  rebuild(rebuild: Rebuild): Promise<void>
  /**
   * Documents first, each guarded by version, then the position, which only grows within one build. False: the
   * position stored is another one (somebody else is further, or rebuilt), look again.
   */
  apply(batch: ProjectedBatch): Promise<boolean>
  /** Only `endSeenAtMs` of the positions grows, each within its build. */
  sawEnds(ends: readonly SeenEnd[]): Promise<void>
  /** Deleted timers are not in it. */
  list(query: ListQuery): Promise<Slice<Timer>>
  timerEvents(partition: number, query: TimerEventsQuery): Promise<Slice<AuditEvent>>
  /** Of the partitions in `after`, in the order (sequence, partition, index): per timer that of its versions. */
  feed(query: FeedQuery): Promise<FeedSlice>
  stats(tenantId: string): Promise<TimerStats['byState']>
  health(): RepositoryHealth
}
