// What a partition needs of the world. The real ones are made by the rooms; the simulation has its own.

import type { Clock } from '@timers/shared/clock.ts'
import type { LogRecord } from '@timers/shared/log/record.ts'
import type { TimerEvent } from '@timers/shared/timer/event.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'
import type { SnapshotParts } from '../snapshot/keeper.ts'
import type { Turns } from './turns.ts'

export interface StoredRecord {
  readonly sequence: number
  /** The broker's clock when it stored the record. */
  readonly storedAtMs: number
  readonly record: LogRecord
}

export type AppendOutcome =
  /** Only ever with sequence = expected + 1. `bytes`: of the log's room that it takes, about. */
  | { readonly kind: 'committed'; readonly sequence: number; readonly bytes: number }
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
  /** The newest, as far as the replica that answers knows; undefined when it has none. */
  last(): Promise<StoredRecord | undefined>
  /** Asked of the stream's leader. */
  ends(): Promise<LogEnds>
  /** Removes every record before `below`, for ever. The sequence goes on. */
  purge(below: number): Promise<void>
}

export interface LogEnds {
  /** Of an empty log last + 1. */
  readonly first: number
  readonly last: number
  readonly bytes: number
  /** What the log has room for. */
  readonly maxBytes: number
}

/**
 * Snapshots of all partitions as numbered parts of bytes, each named by the log position it was begun at. They are
 * not in the log's fence: several nodes may write at once. Calls are bounded to about a second and never go over
 * the log's connection.
 */
export interface SnapshotStore {
  /** It is stored when this resolves, in place of one of the same name; otherwise rejects. */
  write(partition: number, sequence: number, part: number, bytes: Uint8Array): Promise<void>
  /** Undefined: the replica that answers has none. */
  read(partition: number, sequence: number, part: number): Promise<Uint8Array | undefined>
  /** The sequences of which there is at least one part, in ascending order. */
  list(partition: number): Promise<number[]>
  /** Every part of it. */
  remove(partition: number, sequence: number): Promise<void>
}

/** Those who must see every record before it may go. */
export interface LogReaders {
  /**
   * Up to where all of them have read this log: 0 when one has not said so, Infinity when there is none. It may be
   * less than it is, never more. Rejects when it cannot be known.
   */
  least(partition: number): Promise<number>
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

export interface PartitionDeps {
  readonly log: PartitionLog
  readonly clock: Clock
  /** Of all partitions of the node. */
  readonly turns: Turns
  readonly random: () => number
  /** 64 random bits as 16 hexadecimal digits. */
  readonly newTerm: () => string
  readonly packing: Packing
  readonly snapshots: SnapshotParts
  readonly observer: PartitionObserver
  /** Whether placement names this node. */
  readonly mine: () => boolean
  /** Called once: it will never serve again. With a fault nothing is to be built on what it read of its log. */
  readonly ended: (fault: unknown) => void
  /** After an event is applied to a partition that is served: for ticks. */
  readonly applied: (event: TimerEvent) => void
}
