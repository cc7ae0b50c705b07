// Opaque places to go on from. A cursor remembers what it was made for and is refused elsewhere; it is
// not a secret and holds none.

import { createHash } from 'node:crypto'
import type { FeedPlace, PageStart } from '@timers/shared/timer/queries.ts'

function pack(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** The list that was packed, or undefined. */
function unpack(text: string): readonly unknown[] | undefined {
  if (text.length > maxCursorLength || !/^[A-Za-z0-9_-]+$/.test(text)) return undefined
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    return Array.isArray(value) ? (value as unknown[]) : undefined
  } catch {
    return undefined
  }
}

/** The place in a feed grows with the partitions; a URL has no more room. */
const maxCursorLength = 12_000

function isNatural(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** Of everything that decides what the pages hold. */
export function digestOf(filters: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(filters)).digest('base64url').slice(0, 11)
}

export function listCursor(last: PageStart, digest: string): string {
  return pack([last.createdAtMs, last.timerId, digest])
}

/** undefined: not a cursor, or one of other filters. */
export function readListCursor(text: string, digest: string): PageStart | undefined {
  const [createdAtMs, timerId, made, ...rest] = unpack(text) ?? []
  if (!isNatural(createdAtMs) || typeof timerId !== 'string' || made !== digest || rest.length > 0)
    return undefined
  return { createdAtMs, timerId }
}

/** The place in one timer's history: the last version shown. */
export function historyCursor(version: number, digest: string): string {
  return pack([version, digest])
}

export function readHistoryCursor(text: string, digest: string): number | undefined {
  const [version, made, ...rest] = unpack(text) ?? []
  return isNatural(version) && made === digest && rest.length === 0 ? version : undefined
}

/** The place in the feed, one number a partition, of the data it was read from. */
export function feedCursor(places: readonly FeedPlace[], options: FeedCursorOptions): string {
  const vector: (number | [number, number])[] = Array.from({ length: options.partitionCount }, () => 0)
  for (const { partition, sequence, index } of places) {
    vector[partition] = index === undefined ? sequence : [sequence, index]
  }
  return pack([digestOf([options.dataId]), ...vector])
}

export interface FeedCursorOptions {
  readonly dataId: string
  readonly partitionCount: number
}

export function readFeedCursor(text: string, options: FeedCursorOptions): FeedPlace[] | undefined {
  const [made, ...vector] = unpack(text) ?? []
  if (made !== digestOf([options.dataId]) || vector.length !== options.partitionCount) return undefined
  const places: FeedPlace[] = []
  for (const [partition, entry] of vector.entries()) {
    const [sequence, index, ...rest] = (Array.isArray(entry) ? entry : [entry]) as unknown[]
    if (!isNatural(sequence) || rest.length > 0) return undefined
    if (index === undefined) {
      if (sequence > 0) places.push({ partition, sequence })
    } else if (isNatural(index)) places.push({ partition, sequence, index })
    else return undefined
  }
  return places
}
