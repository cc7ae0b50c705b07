// Where reading a partition's log starts: at the stored position if the log still is the one that was read, else
// from its first record on. Nothing is skipped silently. Pure.

import type { Gap, StoredPosition } from './repository.ts'

export interface LogNow {
  readonly dataId: string
  /** Of the records that are there; an empty log has first = last + 1. */
  readonly first: number
  readonly last: number
  /** When the broker stored the record at the stored position, if that lies between the two. */
  readonly markAtMs: number | undefined
}

export type Start =
  | { readonly kind: 'continue'; readonly position: StoredPosition }
  | {
      readonly kind: 'rebuild'
      readonly why: 'new' | 'other data' | 'log cut ahead of us' | 'log shorter than read' | 'log rewritten'
      readonly first: number
      readonly gap: Gap | undefined
      /** A broker that is behind the others may say so wrongly: to be believed only if it stays so. */
      readonly doubtful: boolean
    }

export function whereToStart(stored: StoredPosition | undefined, log: LogNow): Start {
  const { first, last, dataId, markAtMs } = log
  const over = { kind: 'rebuild', first, gap: undefined, doubtful: false } as const
  if (stored === undefined) return { ...over, why: 'new', gap: gapOf(1, first) }
  if (stored.dataId !== dataId) return { ...over, why: 'other data', gap: gapOf(1, first) }
  if (stored.sequence > last) return { ...over, why: 'log shorter than read', doubtful: true }
  if (stored.sequence < first - 1) {
    return { ...over, why: 'log cut ahead of us', gap: gapOf(stored.sequence + 1, first) }
  }
  if (markAtMs !== undefined && stored.storedAtMs !== undefined && stored.storedAtMs !== markAtMs) {
    return { ...over, why: 'log rewritten', doubtful: true }
  }
  return { kind: 'continue', position: stored }
}

function gapOf(from: number, first: number): Gap | undefined {
  return from < first ? { from, to: first - 1 } : undefined
}
