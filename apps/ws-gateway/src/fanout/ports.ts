// What the fan-out needs of the world. The real ones are made by the rooms, from the shared ones; tests
// have their own.

import type { Tick, ViewerMessage, Watched } from '@timers/shared/cluster/live.ts'
import type { LogRecord } from '@timers/shared/log/record.ts'
import type { ScanPage, Selection } from '@timers/shared/timer/results.ts'
import type { Sequenced } from './follower.ts'

export interface FeedListener {
  onRecord(sequence: number, record: LogRecord): void
  /** A record came that cannot be read. */
  onBroken(sequence: number, detail: string): void
  /** Sent to the viewers of one timer of this partition. */
  onMessage(message: ViewerMessage): void
}

export interface FeedPort {
  /** From now on, as far as the feed does not lose it. */
  follow(partition: number, listener: FeedListener): Disposable
  /** What is sent to all viewers of a tenant. */
  followTenants(onMessage: (message: ViewerMessage) => void): Disposable
  /** Resolves when the server knows of every follow() before; rejects when it can't be reached. */
  flushed(): Promise<void>
}

export interface LogPort {
  /**
   * Some records from `from` on, contiguous; [] = none there yet; 'lost' = the log no longer has them, or
   * they can't be read. Rejects when it can't be asked.
   */
  read(partition: number, from: number): Promise<readonly Sequenced[] | 'lost'>
}

export interface ScanRequest {
  readonly tenantId: string
  readonly partitions: readonly number[]
  readonly selection: Selection
  readonly limit: number
}

export interface ScanPort {
  /** Rejects with a RefusalError: unavailable, or quota_exceeded beyond the limit. `deadlineMs`: cluster time. */
  scan(request: ScanRequest, deadlineMs: number, signal?: AbortSignal): AsyncIterable<ScanPage>
}

/** Who owns a partition, as far as heartbeats tell; times are monotonic. */
export interface DirectoryPort {
  sequenceOf(partition: number, nowMs: number): number | undefined
  ownerHeardAtMs(partition: number): number | undefined
}

export interface TickPort {
  follow(partition: number, onTicks: (ticks: readonly Tick[]) => void): Disposable
  /** Tells the partition's owner that these are watched: it forgets after 5 s. */
  watch(partition: number, watched: readonly Watched[]): void
}

/** What an operator should see. */
export interface ReportPort {
  warn(fields: object, message: string): void
}
