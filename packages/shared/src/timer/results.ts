// What a caller is told by the owner of a timer: results of commands and reads, as values.

import type { Refusal } from '../errors.ts'
import type { EventType } from './event.ts'
import type { Timer } from './timer.ts'

/** Where the log stood: of a change the record that holds it, of anything else the newest applied. */
export interface LogPosition {
  readonly partition: number
  readonly sequence: number
}

export interface Done extends LogPosition {
  readonly ok: true
  /** null = nothing changed. */
  readonly type: EventType | null
  /** The timer after the command; for `deleted` as it was, with the new version. */
  readonly timer: Timer
}

export interface Refused extends LogPosition {
  readonly ok: false
  readonly refusal: Refusal
}

export type CommandResult = Done | Refused

export interface Found extends LogPosition {
  readonly ok: true
  /** Of a long poll without news the timer as it still is. */
  readonly timer: Timer
}

export type GetResult = Found | Refused

export type Selection =
  { readonly timerIds: readonly string[] } | { readonly prefix: string } | { readonly all: true }

export interface ScanPage extends LogPosition {
  /** The term in force at `sequence`; both were noted before the walk began. */
  readonly term: string
  /** At most 500. */
  readonly timers: readonly Timer[]
  /** More pages of this partition follow. */
  readonly more: boolean
}
