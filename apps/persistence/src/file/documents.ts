// The read model in memory: what the file repository serves from. It knows neither files nor a log; every method
// is one turn. Old audit is dropped from the front when it is over its bound, and leaves a gap.

import type { LoggedEvent } from '@timers/shared/timer/event.ts'
import { eventId } from '@timers/shared/timer/event.ts'
import type {
  AuditEvent,
  FeedQuery,
  ListQuery,
  TimerEventsQuery,
  TimerStats,
} from '@timers/shared/timer/queries.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'
import { markGaps } from '../projection/feed.ts'
import type { GapEnd } from '../projection/feed.ts'
import type {
  Poison,
  ProjectedBatch,
  Rebuild,
  SeenEnd,
  Slice,
  StoredPosition,
} from '../projection/repository.ts'

export interface TimerEntry {
  readonly timer: Timer
  readonly partition: number
  readonly sequence: number
  /** A deleted timer stays, hidden, so that nothing older brings it back. */
  readonly deletedAtMs?: number
}

export interface PoisonEntry extends Poison {
  readonly partition: number
}

export interface Bounds {
  /** Events kept; up to a tenth more for a while. */
  readonly events: number
  readonly poison: number
  readonly eventAgeMs: number
  readonly deletedAgeMs: number
}

export class Documents {
  readonly #bounds: Bounds
  readonly timers = new Map<string, TimerEntry>()
  readonly positions = new Map<number, StoredPosition>()
  events: LoggedEvent[] = []
  gaps: GapEnd[] = []
  poison: PoisonEntry[] = []
  #eventIds = new Set<string>()

  constructor(bounds: Bounds) {
    this.#bounds = bounds
  }

  addTimer(entry: TimerEntry): void {
    const key = keyOf(entry.timer)
    const known = this.timers.get(key)
    if (known === undefined || known.timer.version < entry.timer.version) this.timers.set(key, entry)
  }

  addEvent(event: LoggedEvent): void {
    const id = eventId(event)
    if (this.#eventIds.has(id)) return
    this.#eventIds.add(id)
    this.events.push(event)
  }

  /** False: another position stands. */
  apply(batch: ProjectedBatch): boolean {
    const { partition, dataId, build, place } = batch
    const known = this.positions.get(partition)
    if (known?.build !== build || known.dataId !== dataId || known.sequence >= place.sequence) return false
    for (const { type, timer, sequence, occurredAtMs } of batch.newest) {
      const entry = { timer, partition, sequence }
      this.addTimer(type === 'deleted' ? { ...entry, deletedAtMs: occurredAtMs } : entry)
    }
    for (const event of batch.events) this.addEvent(event)
    for (const poison of batch.poison) this.poison.push({ ...poison, partition })
    this.positions.set(partition, { ...known, ...place })
    this.#trim()
    return true
  }

  rebuild({ partition, dataId, first, clearFrom, term, gap }: Rebuild, build: string): void {
    const stays = (of: { partition: number; sequence: number }): boolean =>
      of.partition !== partition || of.sequence < clearFrom
    for (const [key, entry] of this.timers) {
      if (!stays(entry)) this.timers.delete(key)
    }
    this.#setEvents(this.events.filter(stays))
    this.gaps = this.gaps.filter((end) => end.partition !== partition || end.first <= clearFrom)
    if (gap !== undefined) this.gaps.push({ partition, first })
    const place = { sequence: first - 1, term, storedAtMs: undefined }
    this.positions.set(partition, { partition, dataId, build, endSeenAtMs: 0, ...place })
  }

  sawEnds(ends: readonly SeenEnd[]): void {
    for (const { partition, build, endSeenAtMs } of ends) {
      const known = this.positions.get(partition)
      if (known?.build === build && known.endSeenAtMs < endSeenAtMs) {
        this.positions.set(partition, { ...known, endSeenAtMs })
      }
    }
  }

  /** Forgets what is past its age. */
  expire(nowMs: number): void {
    const { deletedAgeMs, eventAgeMs } = this.#bounds
    for (const [key, { deletedAtMs }] of this.timers) {
      if (deletedAtMs !== undefined && deletedAtMs < nowMs - deletedAgeMs) this.timers.delete(key)
    }
    const isOld = (event: LoggedEvent): boolean => event.occurredAtMs < nowMs - eventAgeMs
    if (this.events.some(isOld)) this.#setEvents(this.events.filter((event) => !isOld(event)))
  }

  list({ tenantId, state, labels, prefix, after, limit }: ListQuery): Slice<Timer> {
    const found: Timer[] = []
    for (const { timer, deletedAtMs } of this.timers.values()) {
      if (timer.tenantId !== tenantId || deletedAtMs !== undefined) continue
      if (state !== undefined && timer.state !== state) continue
      if (!timer.timerId.startsWith(prefix)) continue
      if (!labels.every(({ key, value }) => Object.hasOwn(timer.labels, key) && timer.labels[key] === value))
        continue
      if (after !== undefined && byCreation(timer, after) <= 0) continue
      found.push(timer)
    }
    return slice(found.sort(byCreation), limit)
  }

  timerEvents({ tenantId, timerId, afterVersion, limit }: TimerEventsQuery): Slice<AuditEvent> {
    const all = this.events.filter(({ timer }) => timer.tenantId === tenantId && timer.timerId === timerId)
    all.sort((a, b) => a.timer.version - b.timer.version)
    const before = all.findLast(({ timer }) => timer.version <= afterVersion)
    const newer = all.filter(({ timer }) => timer.version > afterVersion)
    const { items, more } = slice(newer, limit)
    return { items: markGaps(items, this.gaps, before === undefined ? [] : [before]), more }
  }

  feed({ tenantId, after, type, prefix, limit }: FeedQuery): Slice<AuditEvent> {
    const places = new Map(after.map((place) => [place.partition, place]))
    const found = this.events.filter((event) => {
      const place = places.get(event.partition)
      if (place === undefined || event.timer.tenantId !== tenantId) return false
      if (type !== undefined && event.type !== type) return false
      if (!event.timer.timerId.startsWith(prefix)) return false
      if (event.sequence !== place.sequence) return event.sequence > place.sequence
      return place.index !== undefined && event.index > place.index
    })
    found.sort((a, b) => a.sequence - b.sequence || a.partition - b.partition || a.index - b.index)
    const { items, more } = slice(found, limit)
    return { items: markGaps(items, this.gaps, after), more }
  }

  stats(tenantId: string): TimerStats['byState'] {
    const byState = { idle: 0, running: 0, paused: 0, completed: 0 }
    for (const { timer, deletedAtMs } of this.timers.values()) {
      if (timer.tenantId === tenantId && deletedAtMs === undefined) byState[timer.state] += 1
    }
    return byState
  }

  #trim(): void {
    const { events: most, poison } = this.#bounds
    if (this.poison.length > poison) this.poison = this.poison.slice(-poison)
    if (this.events.length <= most * 1.1) return
    const dropped = new Map<number, number>()
    for (const { partition, sequence } of this.events.slice(0, -most)) dropped.set(partition, sequence)
    this.#setEvents(this.events.slice(-most))
    // One a partition: a newer one covers the older.
    this.gaps = this.gaps.filter(({ partition, first }) => first > (dropped.get(partition) ?? 0))
    for (const [partition, first] of dropped) this.gaps.push({ partition, first })
  }

  #setEvents(events: LoggedEvent[]): void {
    this.events = events
    this.#eventIds = new Set(events.map(eventId))
  }
}

function keyOf({ tenantId, timerId }: Timer): string {
  return `${tenantId}/${timerId}`
}

type Created = Pick<Timer, 'createdAtMs' | 'timerId'>

function byCreation(a: Created, b: Created): number {
  return a.createdAtMs - b.createdAtMs || (a.timerId < b.timerId ? -1 : a.timerId > b.timerId ? 1 : 0)
}

function slice<T>(found: readonly T[], limit: number): Slice<T> {
  return { items: found.slice(0, limit), more: found.length > limit }
}
