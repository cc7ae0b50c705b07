// The fan-out whole: viewers, what they subscribe to, and the partitions that are followed for them. One
// process has one. It is the only place that ties them together, and knows no protocol.

import type { Clock } from '@timers/shared/clock.ts'
import type { Refusal } from '@timers/shared/errors.ts'
import { closeCodes, type CloseCode } from './close-codes.ts'
import { Counts } from './counts.ts'
import { Delivery } from './delivery.ts'
import { Flusher } from './flusher.ts'
import type { Following } from './following.ts'
import { Followings } from './followings.ts'
import { Joins } from './joins.ts'
import { waits, type GatewayLimits } from './limits.ts'
import type { DirectoryPort, FeedPort, LogPort, ReportPort, ScanPort, TickPort } from './ports.ts'
import { say } from './say.ts'
import { Subscription, type SubscribeListener, type SubscribeRequest } from './subscription.ts'
import { Viewer, type Sink } from './viewer.ts'
import { Watches } from './watches.ts'

export interface HubOptions {
  readonly dataId: string
  readonly partitionCount: number
  readonly limits: GatewayLimits
}

export interface HubDeps {
  readonly clock: Clock
  readonly random: () => number
  readonly feed: FeedPort
  readonly log: LogPort
  readonly core: ScanPort
  readonly ticks: TickPort
  readonly directory: DirectoryPort
  readonly report: ReportPort
}

/** Those who are sent away come back spread over this time. */
const comeBackMs = { least: 500, most: 5000 }

export class Hub implements Disposable {
  readonly counts = new Counts()
  readonly #options: HubOptions
  readonly #deps: HubDeps
  readonly #viewers = new Set<Viewer>()
  readonly #listeners = new Map<Subscription, SubscribeListener>()
  readonly #followings: Followings
  readonly #watches: Watches
  readonly #delivery: Delivery
  readonly #flusher: Flusher
  readonly #joins: Joins
  readonly #tenants: Disposable
  #cancelSweep: () => void
  #cancelBeat: () => void

  constructor(options: HubOptions, deps: HubDeps) {
    this.#options = options
    this.#deps = deps
    const { partitionCount, limits } = options
    const { counts } = this
    this.#watches = new Watches(
      { partitionCount, watchMs: waits.watchMs },
      {
        ...deps,
        onTicks: (ticks) => {
          this.#delivery.ticks(ticks)
        },
      },
    )
    this.#delivery = new Delivery(
      { ...options, timers: limits.timers },
      { ...deps, counts, watches: this.#watches, onTooMany: this.#onTooMany },
    )
    this.#flusher = new Flusher(waits, { ...deps, counts, onEnded: this.#forget })
    this.#followings = new Followings(waits, {
      ...deps,
      counts,
      onRecord: this.#delivery.record,
      onMessage: this.#delivery.message,
      onLost: this.#onLost,
    })
    const following = (partition: number) => this.#followings.get(partition)
    this.#joins = new Joins({ ...limits, ...waits }, { ...deps, following })
    this.#tenants = deps.feed.followTenants((message) => {
      this.#delivery.messageToAll(message, this.#viewers)
    })
    this.#cancelSweep = deps.clock.after(waits.sweepMs, this.#sweep)
    this.#cancelBeat = deps.clock.after(waits.heartbeatMs, this.#beat)
  }

  get connections(): number {
    return this.#viewers.size
  }

  get subscriptions(): number {
    return this.#delivery.subscriptions
  }

  get watched(): number {
    return this.#watches.size
  }

  /** Partitions: how many are followed, and of how many viewers were told that it may be old. */
  get partitions(): { readonly followed: number; readonly stale: number } {
    return { followed: this.#followings.size, stale: this.#followings.stale }
  }

  /** Undefined = there are as many as there may be. */
  connect(id: string, tenantId: string, sink: Sink): Viewer | undefined {
    if (this.#viewers.size >= this.#options.limits.connections) {
      this.counts.refuse('connections')
      return undefined
    }
    const options = { id, tenantId, ...this.#options.limits }
    const viewer = new Viewer(options, {
      sink,
      onUnsent: (unsent) => {
        this.#flusher.mark(unsent)
      },
    })
    this.#viewers.add(viewer)
    return viewer
  }

  /** Its sink takes more again. */
  drained(viewer: Viewer): void {
    this.#flusher.drained(viewer)
  }

  close(viewer: Viewer, code: CloseCode, reason: string, retryAfterMs?: number): void {
    this.#flusher.close(viewer, code, reason, retryAfterMs)
  }

  /** The connection is gone. */
  disconnected(viewer: Viewer): void {
    this.#flusher.forget(viewer)
    this.#forget(viewer)
  }

  /** Says goodbye to everybody. */
  drain(): void {
    const { least, most } = comeBackMs
    for (const viewer of this.#viewers) {
      const retryAfterMs = Math.round(least + this.#deps.random() * (most - least))
      this.#flusher.close(viewer, closeCodes.draining, 'draining', retryAfterMs)
    }
  }

  subscribe(viewer: Viewer, request: SubscribeRequest, listener: SubscribeListener): void {
    const refusal = this.#refusalFor(viewer)
    if (refusal !== undefined) {
      listener.refused(refusal)
      return
    }
    const { selection, tickMs, known } = request
    const { partitionCount } = this.#options
    const id = viewer.nextSubscriptionId()
    const subscription = new Subscription({ id, selection, tickMs, partitionCount }, viewer)
    this.#listeners.set(subscription, listener)
    this.#delivery.add(subscription)
    this.#followings.add(subscription)
    void this.#join(subscription, known, listener)
  }

  /** False = it has no such subscription. */
  unsubscribe(viewer: Viewer, subscriptionId: string): boolean {
    const subscription = viewer.subscriptions.get(subscriptionId)
    if (subscription !== undefined) this.#end(subscription)
    return subscription !== undefined
  }

  [Symbol.dispose](): void {
    this.#cancelSweep()
    this.#cancelBeat()
    this.#tenants[Symbol.dispose]()
    for (const viewer of this.#viewers) this.disconnected(viewer)
    this.#followings[Symbol.dispose]()
    this.#watches[Symbol.dispose]()
    this.#flusher[Symbol.dispose]()
  }

  async #join(
    subscription: Subscription,
    known: SubscribeRequest['known'],
    listener: SubscribeListener,
  ): Promise<void> {
    let gathered = 0
    const refusal = await this.#joins.run({
      subscription,
      partitions: [...subscription.partitions.keys()],
      untilMs: this.#deps.clock.monotonicMs() + waits.joinMs,
      onSettled: (partition, timers) => {
        subscription.snapshot?.set(partition, timers)
        gathered += timers.size
        if (gathered > this.#options.limits.timers) this.#refuse(subscription, this.#tooMany, listener)
      },
      onDone: () => {
        if (!this.#delivery.canStart(subscription)) return false
        listener.joined(this.#delivery.start(subscription, known))
        this.#followings.started(subscription)
        return true
      },
    })
    if (refusal !== undefined) this.#refuse(subscription, refusal, listener)
  }

  /** The owner of a partition that was lost sight of is asked again, for each live subscription in it. */
  readonly #onLost = ({ partition, subscriptions }: Following, rewound: boolean): void => {
    for (const subscription of subscriptions) {
      const settled = subscription.startsAfter.delete(partition)
      // One that is still joining asks again by itself; so does one that is being put right already.
      if (subscription.snapshot?.delete(partition) !== undefined || !settled) continue
      void this.#joins.run({
        subscription,
        partitions: [partition],
        untilMs: Infinity,
        onSettled: (_, timers) => {
          this.#delivery.correct(subscription, partition, timers, rewound)
        },
        onDone: () => true,
      })
    }
  }

  #refuse(subscription: Subscription, refusal: Refusal, listener: SubscribeListener): void {
    this.counts.refuse(refusal.code)
    this.#end(subscription)
    listener.refused(refusal)
  }

  readonly #onTooMany = (subscription: Subscription): void => {
    const listener = this.#listeners.get(subscription)
    this.counts.refuse(this.#tooMany.code)
    this.#end(subscription)
    listener?.ended(subscription.id, this.#tooMany)
  }

  get #tooMany(): Refusal {
    return {
      code: 'quota_exceeded',
      detail: `More than ${this.#options.limits.timers} timers match. Subscribe to fewer.`,
    }
  }

  #refusalFor({ subscriptions }: Viewer): Refusal | undefined {
    const { limits } = this.#options
    let joining = 0
    for (const { snapshot } of subscriptions.values()) if (snapshot !== undefined) joining += 1
    if (subscriptions.size < limits.subscriptions && joining < limits.joining) return undefined
    this.counts.refuse('subscriptions')
    const detail = `A connection has at most ${limits.subscriptions} subscriptions, ${limits.joining} of them unanswered.`
    return joining < limits.joining
      ? { code: 'quota_exceeded', detail }
      : { code: 'rate_limited', detail, retryAfterMs: waits.joinAgainMs }
  }

  #end(subscription: Subscription): void {
    subscription.end.abort()
    this.#listeners.delete(subscription)
    this.#delivery.remove(subscription)
    this.#followings.remove(subscription)
  }

  readonly #forget = (viewer: Viewer): void => {
    if (!this.#viewers.delete(viewer)) return
    this.counts.replaced += viewer.outbox.replaced
    for (const subscription of [...viewer.subscriptions.values()]) this.#end(subscription)
  }

  readonly #sweep = (): void => {
    this.#cancelSweep = this.#deps.clock.after(waits.sweepMs, this.#sweep)
    this.#followings.look()
    this.#flusher.look()
  }

  readonly #beat = (): void => {
    this.#cancelBeat = this.#deps.clock.after(waits.heartbeatMs, this.#beat)
    const heartbeat = say('heartbeat', this.#deps.clock.nowMs(), {})
    for (const viewer of this.#viewers) {
      if (viewer.blockedSinceMs === undefined) viewer.tell(heartbeat)
      viewer.sink.beat()
    }
  }
}
