// What may be asked of a timer, in the imperative. Durations and instants are integer milliseconds;
// the edges check every limit before a command is made.

import type { JsonObject, Labels } from './timer.ts'

export type TimeSpan = { readonly durationMs: number } | { readonly deadlineMs: number }

export type Operation =
  | ({
      readonly op: 'put'
      readonly autostart: boolean
      readonly title: string
      readonly labels: Labels
      /** JSON text of an object, '' for none. */
      readonly metadata: string
      readonly retentionMs: number
    } & TimeSpan)
  | {
      readonly op: 'update'
      readonly title?: string
      readonly durationMs?: number
      /** RFC 7396 merge patches; null removes all. */
      readonly labels?: JsonObject | null
      readonly metadata?: JsonObject | null
    }
  | { readonly op: 'start' }
  | { readonly op: 'pause' }
  | { readonly op: 'reset' }
  | { readonly op: 'restart' }
  | ({ readonly op: 'set' } & ({ readonly remainingMs: number } | { readonly deadlineMs: number }))
  | { readonly op: 'add'; readonly byMs: number }
  | { readonly op: 'multiply'; readonly factor: number }
  | {
      readonly op: 'extendIfWithin'
      readonly windowMs: number
      readonly byMs: number
      readonly maxDeadlineMs?: number
    }
  | { readonly op: 'delete' }

/** The names clients use for them; `fire` is the clock's and no client's. */
export const ops = [
  'put',
  'update',
  'start',
  'pause',
  'reset',
  'restart',
  'set',
  'add',
  'multiply',
  'extendIfWithin',
  'delete',
] as const satisfies readonly Operation['op'][]
export type Op = (typeof ops)[number]

export const actorTypes = ['key', 'token', 'link', 'clock', 'operator'] as const
export interface Actor {
  readonly type: (typeof actorTypes)[number]
  readonly id: string
}

/** A command as a caller makes it: `ifVersion` and `ifAbsent` are HTTP's If-Match and If-None-Match: *. */
export interface Command {
  readonly tenantId: string
  readonly timerId: string
  readonly operation: Operation
  readonly ifVersion?: number
  readonly ifAbsent?: boolean
  readonly actor: Actor
  readonly requestId: string
}

/** A command on its way to the owner: known by (session, n), and not staged after `notAfterMs`. */
export interface SentCommand extends Command {
  readonly n: number
  /** Cluster time. */
  readonly notAfterMs: number
}
