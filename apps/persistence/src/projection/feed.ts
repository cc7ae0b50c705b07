// The feed of a tenant's events: which part of a page may have holes before it, and where the next page starts. Pure.

import type { AuditEvent, FeedPlace } from '@timers/shared/timer/queries.ts'
import type { LoggedEvent } from '@timers/shared/timer/event.ts'
import type { LogPosition } from '@timers/shared/timer/results.ts'

/** The first record that was read after a gap in a partition. */
export interface GapEnd {
  readonly partition: number
  readonly first: number
}

/**
 * Marks each event whose predecessor (in its partition; before the page: `before`) lies ahead of a gap that it
 * lies behind. Events must be in order within a partition.
 */
export function markGaps(
  events: readonly LoggedEvent[],
  gaps: readonly GapEnd[],
  before: readonly LogPosition[],
): AuditEvent[] {
  const previous = new Map(before.map(({ partition, sequence }) => [partition, sequence]))
  return events.map((event) => {
    const { partition, sequence } = event
    const since = previous.get(partition) ?? 0
    previous.set(partition, sequence)
    const gap = gaps.some((end) => end.partition === partition && since < end.first && end.first <= sequence)
    return { ...event, gap }
  })
}

/**
 * Where a page of the feed leaves its reader. Events are in the order (sequence, partition, index), so that with
 * the last one every event of earlier records, in any partition, has been given. `stored`: positions that were
 * read before the events were. `lookedUpTo`: what is wanted of later records was not looked for.
 */
export function nextPlaces(
  after: readonly FeedPlace[],
  events: readonly LoggedEvent[],
  more: boolean,
  stored: readonly LogPosition[],
  lookedUpTo?: number,
): FeedPlace[] {
  const next = new Map<number, FeedPlace>()
  for (const place of after) next.set(place.partition, place)
  const last = more && lookedUpTo === undefined ? events.at(-1) : undefined
  const upTo = lookedUpTo ?? (last === undefined ? Infinity : last.sequence - 1)
  for (const { partition, sequence } of stored) {
    advance(next, { partition, sequence: Math.min(sequence, upTo) })
  }
  for (const { partition, sequence } of events) advance(next, { partition, sequence })
  if (last !== undefined) {
    const { partition, sequence, index } = last
    next.set(partition, { partition, sequence, index })
  }
  return [...next.values()]
}

/** Names every partition; one that was not named is read from its beginning. */
export function allPlaces(after: readonly FeedPlace[], partitionCount: number): FeedPlace[] {
  const places: FeedPlace[] = []
  for (let partition = 0; partition < partitionCount; partition += 1) places.push({ partition, sequence: 0 })
  for (const place of after) {
    if (place.partition < partitionCount) places[place.partition] = place
  }
  return places
}

/** Those with something behind them: asking for the others would be in vain. */
export function placesBehind(places: readonly FeedPlace[], stored: readonly LogPosition[]): FeedPlace[] {
  const ends = new Map(stored.map(({ partition, sequence }) => [partition, sequence]))
  return places.filter(({ partition, sequence, index }) => {
    const end = ends.get(partition) ?? 0
    return end > sequence || (end === sequence && index !== undefined)
  })
}

/** A place without an index is the whole record, and so beyond one with it. */
function advance(next: Map<number, FeedPlace>, place: FeedPlace): void {
  const known = next.get(place.partition)
  if (known === undefined || known.sequence <= place.sequence) next.set(place.partition, place)
}
