// One subscription of one viewer: what it selects, from where in each partition's log on events count for
// it, and its snapshot while that is being gathered.

import type { Refusal } from '@timers/shared/errors.ts'
import type { RecordEvent } from '@timers/shared/log/record.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import type { Selection } from '@timers/shared/timer/results.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'
import type { Joined } from './say.ts'
import type { Viewer } from './viewer.ts'

export interface SubscribeRequest {
  readonly selection: Selection
  readonly tickMs: number | undefined
  /** By timer, the version that the viewer says it holds. */
  readonly known: ReadonlyMap<string, number> | undefined
}

/** Exactly one of the first two is called, unless the viewer goes; `ended` may follow `joined`. */
export interface SubscribeListener {
  /** What it is told here comes before any change. */
  joined(joined: Joined): void
  refused(refusal: Refusal): void
  ended(subscriptionId: string, refusal: Refusal): void
}

export interface SubscriptionOptions {
  readonly id: string
  readonly selection: Selection
  /** Ticks are wanted, at remaining times that are a multiple of it: whole seconds. */
  readonly tickMs: number | undefined
  readonly partitionCount: number
}

export class Subscription {
  readonly id: string
  readonly viewer: Viewer
  readonly tenantId: string
  readonly selection: Selection
  readonly tickMs: number | undefined
  /** Where its timers may be; of named ones, which. */
  readonly partitions: ReadonlyMap<number, readonly string[] | undefined>
  /** By partition: events after this sequence count. Without one the owner has not been asked yet. */
  readonly startsAfter = new Map<number, number>()
  /** While it is gathered, by partition; undefined once the viewer has it. */
  snapshot: Map<number, Map<string, Timer>> | undefined = new Map()
  /** Of a prefix or all: how many timers there are. */
  timers = 0
  /** How many of its partitions are stale. */
  stale = 0
  readonly end = new AbortController()
  readonly #named: ReadonlySet<string> | undefined

  constructor(options: SubscriptionOptions, viewer: Viewer) {
    this.id = options.id
    this.viewer = viewer
    this.tenantId = viewer.tenantId
    this.selection = options.selection
    this.tickMs = options.tickMs
    const named = 'timerIds' in options.selection ? options.selection.timerIds : undefined
    this.#named = named && new Set(named)
    this.partitions = partitionsOf(viewer.tenantId, named, options.partitionCount)
  }

  /** Its timers are named, not found. */
  get named(): boolean {
    return this.#named !== undefined
  }

  hasEnded(): boolean {
    return this.end.signal.aborted
  }

  selects(timerId: string): boolean {
    if (this.#named !== undefined) return this.#named.has(timerId)
    return 'prefix' in this.selection ? timerId.startsWith(this.selection.prefix) : true
  }
}

function partitionsOf(
  tenantId: string,
  named: readonly string[] | undefined,
  partitionCount: number,
): Map<number, string[] | undefined> {
  const partitions = new Map<number, string[] | undefined>()
  if (named === undefined) {
    for (let partition = 0; partition < partitionCount; partition++) partitions.set(partition, undefined)
    return partitions
  }
  for (const timerId of named) {
    const partition = partitionOf(tenantId, timerId, partitionCount)
    const there = partitions.get(partition)
    if (there === undefined) partitions.set(partition, [timerId])
    else there.push(timerId)
  }
  return partitions
}

/** Applies an event to gathered timers: only a newer version counts, and what is not there can't go. */
export function fold(timers: Map<string, Timer>, { type, timer }: RecordEvent): void {
  const held = timers.get(timer.timerId)
  if (held !== undefined && held.version >= timer.version) return
  if (type === 'deleted') timers.delete(timer.timerId)
  else timers.set(timer.timerId, timer)
}
