// The timer: its shape by state, and what is derived from it. Pure; knows no clock, codec or edge.

import type { UnknownFields } from './unknown-fields.ts'

export const timerStates = ['idle', 'running', 'paused', 'completed'] as const
export type TimerState = (typeof timerStates)[number]

export const completedBys = ['fire', 'command'] as const
export type CompletedBy = (typeof completedBys)[number]

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [key: string]: JsonValue
}
export type Labels = Readonly<Record<string, string>>

interface TimerBase {
  readonly tenantId: string
  readonly timerId: string
  /** +1 with every event; never repeats for an id, also after delete and re-creation. */
  readonly version: number
  readonly title: string
  /** What reset returns to. */
  readonly durationMs: number
  readonly labels: Labels
  /** A JSON object as its text, '' for none: parsed where somebody looks inside. */
  readonly metadata: string
  readonly retentionMs: number
  readonly createdAtMs: number
  readonly updatedAtMs: number
  /** Fields a newer version of the service wrote: kept, and written again. */
  readonly unknown?: UnknownFields
}

export interface StoppedTimer extends TimerBase {
  readonly state: 'idle' | 'paused'
  readonly remainingMs: number
  readonly deadlineMs: null
  readonly completedAtMs: null
  readonly completedBy: null
}

export interface RunningTimer extends TimerBase {
  readonly state: 'running'
  readonly remainingMs: null
  readonly deadlineMs: number
  readonly completedAtMs: null
  readonly completedBy: null
}

export interface CompletedTimer extends TimerBase {
  readonly state: 'completed'
  readonly remainingMs: 0
  /** When it was due. */
  readonly deadlineMs: number
  /** When it ended; lateness = completedAtMs − deadlineMs. */
  readonly completedAtMs: number
  readonly completedBy: CompletedBy
}

export type Timer = StoppedTimer | RunningTimer | CompletedTimer

/** Milliseconds left at `nowMs`, never below 0. */
export function remainingAt(timer: Timer, nowMs: number): number {
  return timer.state === 'running' ? Math.max(0, timer.deadlineMs - nowMs) : timer.remainingMs
}
