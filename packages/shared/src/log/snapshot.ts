// The domain shape of a snapshot: what the log of a partition adds up to, in parts. Pure; it knows neither bytes of
// messages nor where they are kept.

import type { EventType } from '../timer/event.ts'
import type { AnsweredKey } from './record.ts'

/** The newest `format` this build knows. */
export const snapshotFormat = 1

/** Of one part, encoded. */
export const partBytesMost = 256 * 1024

export interface SnapshotHead {
  readonly format: number
  readonly dataId: string
  readonly partition: number
  readonly partitionCount: number
  /** The log position it was begun at: with every record after it the snapshot is whole. */
  readonly sequence: number
  /** In force there, and whose it was; undefined before the first Takeover. */
  readonly term: string | undefined
  readonly owner: string | undefined
  readonly versionFloor: number
  /** The position of the snapshot before this one; 0 without one. */
  readonly before: number
}

export interface SnapshotTimer {
  /** The bytes of its message, as Latin-1. */
  readonly packed: string
  /** While it runs: the request that set its deadline. */
  readonly setBy: string
}

export interface SnapshotSession {
  readonly session: string
  readonly answeredBelow: number
  readonly heardAtMs: number
}

export interface SnapshotResult {
  readonly session: string
  readonly n: number
  readonly type: EventType
  /** The bytes of the timer's message, as Latin-1. */
  readonly packed: string
  readonly sequence: number
  readonly keptUntilMs: number
}

export interface SnapshotAnswered {
  /** Since 1970. */
  readonly hour: number
  readonly answered: AnsweredKey
}

export interface SnapshotPart {
  /** In the first part only. */
  readonly head: SnapshotHead | undefined
  readonly timers: readonly SnapshotTimer[]
  readonly sessions: readonly SnapshotSession[]
  readonly results: readonly SnapshotResult[]
  readonly answered: readonly SnapshotAnswered[]
}

/** Parts ↔ bytes, and what holds them together. */
export interface SnapshotCodec {
  /** Throws for what cannot be encoded. */
  encode(part: SnapshotPart): Uint8Array
  /** Throws for bytes that are not a part. */
  decode(bytes: Uint8Array): SnapshotPart
  /** CRC-32 of `bytes` after those that came to `before`; 0 at first. */
  crc(bytes: Uint8Array, before: number): number
}
