// What may be asked of the read model, and its answers. Pure. Every answer says as of when: each change
// committed before `asOfMs` (cluster time) is in it, later ones may be.

import type { EventType, LoggedEvent } from './event.ts'
import type { LogPosition } from './results.ts'
import type { Timer, TimerState } from './timer.ts'

export const queryLimits = {
  /** Timers or events a page. */
  page: 500,
  defaultPage: 50,
  /** How long a list waits for `atLeast`. */
  atLeastWaitMs: 2000,
} as const

export interface LabelPair {
  readonly key: string
  readonly value: string
}

/** The order of a list is createdAtMs, then timerId; this is the last timer of the page before. */
export interface PageStart {
  readonly createdAtMs: number
  readonly timerId: string
}

export interface ListQuery {
  readonly tenantId: string
  readonly state?: TimerState
  /** All must match; pairs, because the same key may be asked for twice (then nothing matches). */
  readonly labels: readonly LabelPair[]
  /** '' = any. */
  readonly prefix: string
  /** 1 to queryLimits.page. */
  readonly limit: number
  readonly after?: PageStart
  /** Answered once each of these is in the read model, or refused as unavailable. */
  readonly atLeast: readonly LogPosition[]
}

export interface TimerPage {
  readonly timers: readonly Timer[]
  readonly more: boolean
  readonly asOfMs: number
}

export interface AuditEvent extends LoggedEvent {
  /** Events just before this one may be missing: the log was cut before the read model had read it. */
  readonly gap: boolean
}

/** The audit of one timer, in version order. */
export interface TimerEventsQuery {
  readonly tenantId: string
  readonly timerId: string
  /** Only newer ones; 0 = from the first. */
  readonly afterVersion: number
  readonly limit: number
}

export interface EventPage {
  readonly events: readonly AuditEvent[]
  readonly more: boolean
  readonly asOfMs: number
}

/** How far a reader of the feed is in one partition: it has all up to the record `sequence`; with an index, of that record only those up to it. */
export interface FeedPlace extends LogPosition {
  readonly index?: number
}

/** A tenant's events of all its timers: at least once, in order per timer. */
export interface FeedQuery {
  readonly tenantId: string
  /** A partition not named is read from its beginning. */
  readonly after: readonly FeedPlace[]
  readonly type?: EventType
  /** '' = any. */
  readonly prefix: string
  readonly limit: number
}

export interface FeedPage extends EventPage {
  /** `after` of the next query, whole. */
  readonly next: readonly FeedPlace[]
}

export interface TimerStats {
  readonly byState: Readonly<Record<TimerState, number>>
  readonly asOfMs: number
}
