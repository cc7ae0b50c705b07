// When a snapshot is due, and up to where a log may be cut. Pure.

import { roomShares } from './room.ts'

export interface SnapshotRules {
  /** A snapshot is due when the log has grown by more than this, and by more than the last one was large. */
  readonly leastBytes: number
  /** So long the log names a snapshot before anything is built on it: time for a broker that lost power to say so. */
  readonly settleMs: number
  /** How often a partition is looked at. */
  readonly lookEveryMs: number
}

export const snapshotRules: SnapshotRules = {
  leastBytes: 8 * 1024 * 1024,
  settleMs: 5 * 60_000,
  lookEveryMs: 5000,
}

/** Under pressure a snapshot is due when the log has grown by this share of its room. */
const pressedShare = 1 / 8

export interface LogNow {
  readonly first: number
  readonly last: number
  readonly bytes: number
  readonly maxBytes: number
  /** The newest snapshot that the log names, and the one before; 0 without one. */
  readonly snapshotAt: number
  readonly snapshotBefore: number
  /** The newest one has been named for long enough. */
  readonly isSettled: boolean
}

/** `lastBytes`: of the newest snapshot, where known. */
export function isSnapshotDue(log: LogNow, lastBytes: number, rules: SnapshotRules): boolean {
  const grown = bytesSince(log)
  if (grown > Math.max(rules.leastBytes, lastBytes)) return true
  if (log.bytes / log.maxBytes < roomShares.pressed || grown === 0) return false
  if (grown > log.maxBytes * pressedShare) return true
  // It was cut as far as may be, and that was not enough: one more snapshot lets it be cut up to the newest.
  const isCut = log.first > log.snapshotBefore
  return isCut && (log.snapshotAt === 0 || log.isSettled)
}

/** Every record up to it may go, as far as snapshots are asked; 0 = none. One snapshot and its log stay in reserve. */
export function cutBound({ snapshotBefore, isSettled }: LogNow): number {
  return isSettled ? snapshotBefore : 0
}

/** What the log has grown by since the newest snapshot was begun, as if all records were of one size. */
function bytesSince({ first, last, bytes, snapshotAt }: LogNow): number {
  const records = last - first + 1
  return records <= 0 ? 0 : (bytes * Math.min(records, last - snapshotAt)) / records
}
