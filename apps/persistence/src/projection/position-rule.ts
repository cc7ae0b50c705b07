// Where reading a partition's log starts: at the stored position if the log still is the one that was read, else
// from its first record on. Nothing is skipped silently. Pure.

import type { Gap, StoredPosition } from './repository.ts'

export interface LogNow {
  readonly dataId: string
  /** Of the records that are there; an empty log has first = last + 1. */
  readonly first: number
  readonly last: number
  /** When the broker stored the record at the stored position's sequence; undefined when it is not there. */
  readonly markAtMs: number | undefined
}

export type Start =
  | { readonly kind: 'continue'; readonly position: StoredPosition }
  | {
      readonly kind: 'rebuild'
      readonly why: 'new' | 'other data' | 'log cut ahead of us' | 'log shorter than read' | 'log rewritten'
      readonly first: number
      readonly gap: Gap | undefined
    }

export function whereToStart(stored: StoredPosition | undefined, log: LogNow): Start {
  const { first, last } = log
  if (stored === undefined) return { kind: 'rebuild', why: 'new', first, gap: gapOf(1, first) }
  if (stored.dataId !== log.dataId) {
    return { kind: 'rebuild', why: 'other data', first, gap: gapOf(1, first) }
  }
  if (stored.sequence > last) {
    return { kind: 'rebuild', why: 'log shorter than read', first, gap: undefined }
  }
  if (stored.sequence < first - 1) {
    return { kind: 'rebuild', why: 'log cut ahead of us', first, gap: gapOf(stored.sequence + 1, first) }
  }
  if (stored.sequence >= first && stored.storedAtMs !== undefined && stored.storedAtMs !== log.markAtMs) {
    return { kind: 'rebuild', why: 'log rewritten', first, gap: undefined }
  }
  return { kind: 'continue', position: stored }
}

function gapOf(from: number, first: number): Gap | undefined {
  return from < first ? { from, to: first - 1 } : undefined
}
