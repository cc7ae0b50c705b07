// The domain shape of a log record: one message of a partition's log, one atomic commit. Pure.

import type { TimerEvent } from '../timer/event.ts'

/** The newest `format` this build knows; a log with a greater one is not for it to own. */
export const recordFormat = 1

/** An event and who sent its command: '' and 0 when the clock did. These two never leave core. */
export interface RecordEvent extends TimerEvent {
  readonly session: string
  readonly n: number
}

/** A command with an Idempotency-Key and what it was answered, known by digests alone. */
export interface AnsweredKey {
  /** Of tenant, method, path and key: 16 bytes. */
  readonly digest: Uint8Array
  /** Of the body: 8 bytes. */
  readonly body: Uint8Array
  readonly status: number
  readonly version: number
}

export type RecordBody =
  | { readonly kind: 'takeover'; readonly dataId: string; readonly partitionCount: number }
  /** `nowMs`: the one instant, in cluster time, by which all of them were judged. */
  | {
      readonly kind: 'batch'
      readonly nowMs: number
      readonly events: readonly RecordEvent[]
      readonly answered?: readonly AnsweredKey[]
    }
  | {
      readonly kind: 'snapshotTaken'
      readonly sequence: number
      readonly parts: number
      readonly crc: number
    }
  | { readonly kind: 'release'; readonly to: string }
  | { readonly kind: 'beat' }
  /** Written by a newer build; read, never written. */
  | { readonly kind: 'unknown' }

export interface LogRecord {
  readonly format: number
  /** The Takeover it was written under. */
  readonly term: string
  /** The node that wrote it. */
  readonly owner: string
  /** The sequence that the newest snapshot covers; 0 without one. */
  readonly snapshotAt: number
  readonly body: RecordBody
}
