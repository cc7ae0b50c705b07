// What a partition needs of the world. The real ones are made by the rooms; the simulation has its own.

import type { LogRecord } from '@timers/shared/log/record.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'

export interface StoredRecord {
  readonly sequence: number
  /** The broker's clock when it stored the record. */
  readonly storedAtMs: number
  readonly record: LogRecord
}

export type AppendOutcome =
  /** Only ever with sequence = expected + 1. */
  | { readonly kind: 'committed'; readonly sequence: number }
  /** A deterministic no: nothing is stored and nothing about ownership has changed. */
  | { readonly kind: 'refused'; readonly reason: 'full' | 'payload'; readonly detail: string }
  /** Anything else. It may be stored, now or later; only the log can tell. */
  | { readonly kind: 'unknown'; readonly detail: string }

/** One partition's log. Every call is bounded to about a second. */
export interface PartitionLog {
  /** Another number = another connection: a Takeover appended on the one before is not to be built on. 0 = none. */
  connectionId(): number
  /** Never rejects. `connectionId` is the one the writer's Takeover went out on. */
  append(record: LogRecord, expectedLastSequence: number, connectionId: number): Promise<AppendOutcome>
  /** At most `most` records from `from` on, contiguous; [] = none there yet. Rejects on a hole. */
  read(from: number, most: number): Promise<StoredRecord[]>
  ends(): Promise<{ readonly first: number; readonly last: number }>
}

/** How timers that are not running are kept: as text of their bytes, about a third of the object's size. */
export interface Packing {
  pack(timer: Timer): string
  unpack(packed: string): Timer
}

/** What a partition tells of itself, for metrics and the log of the process. */
export interface PartitionObserver {
  appended(events: number, tookMs: number): void
  fired(latenessMs: number): void
  tookOver(partition: number, tookMs: number): void
  trouble(partition: number, message: string, detail: string): void
}
