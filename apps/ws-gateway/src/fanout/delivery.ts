// Brings what happened to those who watch it: events, ticks, messages, and what a gathered snapshot says.
// It encodes a thing once, and only if somebody is to get it.

import type { ClusterClock } from '@timers/shared/clock.ts'
import type { Tick, ViewerMessage } from '@timers/shared/cluster/live.ts'
import type { LogRecord, RecordEvent } from '@timers/shared/log/record.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'
import type { Counts } from './counts.ts'
import type { Message } from './message.ts'
import { changed, deleted, relayed, ticked, type Joined } from './say.ts'
import { fold, type Subscription } from './subscription.ts'
import { Subscriptions } from './subscriptions.ts'
import type { Held, Viewer } from './viewer.ts'
import type { Watches } from './watches.ts'

export interface DeliveryOptions {
  readonly dataId: string
  readonly partitionCount: number
  /** Of a prefix or all. */
  readonly timers: number
}

export interface DeliveryDeps {
  readonly clock: ClusterClock
  readonly counts: Counts
  readonly watches: Pick<Watches, 'add' | 'remove'>
  /** More timers match than one subscription may have. */
  readonly onTooMany: (subscription: Subscription) => void
}

export class Delivery {
  readonly #options: DeliveryOptions
  readonly #deps: DeliveryDeps
  readonly #index = new Subscriptions<Subscription>()
  readonly #found: Subscription[] = []

  constructor(options: DeliveryOptions, deps: DeliveryDeps) {
    this.#options = options
    this.#deps = deps
  }

  get subscriptions(): number {
    return this.#index.size
  }

  /** From now on events reach it, in the partitions that it has settled in. */
  add(subscription: Subscription): void {
    subscription.viewer.subscriptions.set(subscription.id, subscription)
    this.#index.add(subscription)
  }

  readonly record = (partition: number, sequence: number, { body }: LogRecord): void => {
    if (body.kind !== 'batch') return
    for (const event of body.events) this.#event(partition, sequence, event)
  }

  readonly ticks = (ticks: readonly Tick[]): void => {
    const { clock, counts } = this.#deps
    for (const tick of ticks) {
      const { timerId, version, remainingMs } = tick
      let message: Message | undefined
      for (const { tickMs, snapshot, viewer } of this.#find(tick.tenantId, timerId)) {
        if (tickMs === undefined || snapshot !== undefined || remainingMs % tickMs !== 0) continue
        const held = viewer.held.get(timerId)
        if (held?.version === version) viewer.tellTick(held, (message ??= ticked(clock.nowMs(), tick)))
        else counts.ticksDropped += 1
      }
    }
  }

  /** To the viewers of one timer. */
  readonly message = (message: ViewerMessage): void => {
    const viewers = new Set<Viewer>()
    for (const { snapshot, viewer } of this.#find(message.tenantId, message.timerId ?? '')) {
      if (snapshot === undefined) viewers.add(viewer)
    }
    if (viewers.size === 0) return
    const words = relayed(this.#deps.clock.nowMs(), message)
    for (const viewer of viewers) viewer.tell(words)
  }

  /** To all viewers of a tenant. */
  messageToAll(message: ViewerMessage, viewers: Iterable<Viewer>): void {
    const words = relayed(this.#deps.clock.nowMs(), message)
    for (const viewer of viewers) if (viewer.tenantId === message.tenantId) viewer.tell(words)
  }

  /**
   * Whether its snapshot fits what its viewer was told by other subscriptions. An owner tells what it has,
   * which may be ahead of the feed; started too early, it would hide a completion or show an older state.
   */
  canStart({ snapshot, viewer }: Subscription): boolean {
    const others = started(viewer)
    if (others.length === 0) return true
    for (const part of snapshot?.values() ?? []) {
      for (const { timerId, version } of part.values()) {
        if (viewer.held.get(timerId)?.version === version) continue
        if (others.some((other) => other.selects(timerId))) return false
      }
    }
    return true
  }

  /** Its snapshot is complete: the viewer holds it from now on. `known`: versions it says it holds already. */
  start(subscription: Subscription, known: ReadonlyMap<string, number> | undefined): Joined {
    const { snapshot, selection, viewer, id } = subscription
    subscription.snapshot = undefined
    const { watches } = this.#deps
    if ('timerIds' in selection && subscription.tickMs !== undefined) {
      for (const timerId of selection.timerIds) watches.add(viewer.tenantId, timerId)
    }
    const timers: Timer[] = []
    const found = new Set<string>()
    for (const part of snapshot?.values() ?? []) {
      for (const timer of part.values()) {
        const { timerId, version } = timer
        found.add(timerId)
        const held = viewer.held.get(timerId)
        if (held === undefined) this.#gained(viewer, timerId, version)
        else if (!subscription.named) this.#count(subscription, timerId, 1)
        if (known?.get(timerId) !== version) timers.push(timer)
      }
    }
    const gone = [...(known?.keys() ?? [])].filter((one) => !found.has(one) && subscription.selects(one))
    const named = 'timerIds' in selection ? selection.timerIds : []
    const missing = named.filter((one) => !found.has(one) && known?.has(one) !== true)
    return { subscriptionId: id, recovered: known !== undefined, timers, deleted: gone, missing }
  }

  /**
   * What one partition has for it, asked anew: its viewer is told what it does not know. `rewound`: also
   * where it knows something newer, which the log has lost.
   */
  correct(
    subscription: Subscription,
    partition: number,
    timers: ReadonlyMap<string, Timer>,
    rewound: boolean,
  ): void {
    const { viewer, tenantId } = subscription
    const { clock } = this.#deps
    const { dataId, partitionCount } = this.#options
    for (const timer of timers.values()) {
      const { timerId, version } = timer
      const held = viewer.held.get(timerId)
      if (held?.version === version || (!rewound && (held?.version ?? 0) > version)) continue
      const told = held ?? this.#gained(viewer, timerId, version)
      told.version = version
      const completed = timer.state === 'completed'
      const why = { type: completed ? 'completed' : 'updated', cause: undefined } as const
      viewer.tellState(told, changed(clock.nowMs(), dataId, timer, why), completed)
    }
    for (const timerId of subscription.partitions.get(partition) ?? [...viewer.held.keys()]) {
      const held = viewer.held.get(timerId)
      if (held === undefined || timers.has(timerId) || !subscription.selects(timerId)) continue
      if (partitionOf(tenantId, timerId, partitionCount) !== partition) continue
      this.#lost(viewer, timerId)
      const why = { type: 'deleted', cause: undefined } as const
      viewer.tellState(held, deleted(clock.nowMs(), dataId, timerId, held.version + 1, why), true)
    }
    this.#endIfTooMany(subscription)
  }

  /** Nothing reaches it any more; what its viewer holds for no other is forgotten. */
  remove(subscription: Subscription): void {
    const { viewer, selection, tickMs } = subscription
    if (!viewer.subscriptions.delete(subscription.id)) return
    this.#index.remove(subscription)
    if (subscription.snapshot !== undefined) return
    const others = started(viewer)
    const timerIds =
      'timerIds' in selection
        ? selection.timerIds
        : [...viewer.held.keys()].filter((timerId) => subscription.selects(timerId))
    for (const timerId of timerIds) {
      if (tickMs !== undefined) this.#deps.watches.remove(viewer.tenantId, timerId)
      if (!others.some((other) => other.selects(timerId))) viewer.held.delete(timerId)
    }
  }

  #event(partition: number, sequence: number, event: RecordEvent): void {
    const { timer, type } = event
    let message: Message | undefined
    for (const subscription of this.#find(timer.tenantId, timer.timerId)) {
      const after = subscription.startsAfter.get(partition)
      if (after === undefined || sequence <= after) continue
      if (subscription.snapshot !== undefined) {
        const gathered = subscription.snapshot.get(partition)
        if (gathered !== undefined) fold(gathered, event)
        continue
      }
      const { viewer } = subscription
      const held = this.#heldIfNews(viewer, event)
      if (held === undefined) continue
      message ??= this.#words(event)
      viewer.tellState(held, message, type === 'completed' || type === 'deleted')
      this.#endIfTooMany(subscription)
    }
  }

  /** If it is newer than what the viewer holds, which now is this. Of what it does not hold no deletion is news. */
  #heldIfNews(viewer: Viewer, { timer, type }: RecordEvent): Held | undefined {
    const { timerId, version } = timer
    const held = viewer.held.get(timerId)
    if (held === undefined) return type === 'deleted' ? undefined : this.#gained(viewer, timerId, version)
    if (held.version >= version) return undefined
    held.version = version
    if (type === 'deleted') this.#lost(viewer, timerId)
    return held
  }

  #words({ timer, type, cause }: RecordEvent): Message {
    const nowMs = this.#deps.clock.nowMs()
    const { dataId } = this.#options
    return type === 'deleted'
      ? deleted(nowMs, dataId, timer.timerId, timer.version, { type, cause })
      : changed(nowMs, dataId, timer, { type, cause })
  }

  /** The answer is good until the next call. */
  #find(tenantId: string, timerId: string): readonly Subscription[] {
    this.#found.length = 0
    this.#index.find(tenantId, timerId, this.#found)
    return this.#found
  }

  /** The viewer did not hold the timer and now does. */
  #gained(viewer: Viewer, timerId: string, version: number): Held {
    for (const subscription of started(viewer)) {
      if (!subscription.named && subscription.selects(timerId)) this.#count(subscription, timerId, 1)
    }
    return viewer.hold(timerId, version)
  }

  #lost(viewer: Viewer, timerId: string): void {
    viewer.held.delete(timerId)
    for (const subscription of started(viewer)) {
      if (!subscription.named && subscription.selects(timerId)) this.#count(subscription, timerId, -1)
    }
  }

  /** One timer more or less in a subscription that does not name its timers. */
  #count(subscription: Subscription, timerId: string, by: 1 | -1): void {
    subscription.timers += by
    if (subscription.tickMs === undefined) return
    if (by === 1) this.#deps.watches.add(subscription.tenantId, timerId)
    else this.#deps.watches.remove(subscription.tenantId, timerId)
  }

  #endIfTooMany(subscription: Subscription): void {
    if (subscription.timers > this.#options.timers) this.#deps.onTooMany(subscription)
  }
}

/** Those of a viewer's subscriptions that it has been answered. */
function started({ subscriptions }: Viewer): Subscription[] {
  return [...subscriptions.values()].filter(({ snapshot }) => snapshot === undefined)
}
