// How a subscription gets its first state, and its state anew when a partition's log was lost sight of:
// subscribed to the feed and flushed, then the owners are asked, then what the feed brought since is
// applied on top. Between snapshot and first event there is no hole.

import { backoffMs } from '@timers/shared/backoff.ts'
import { pause, type Clock } from '@timers/shared/clock.ts'
import { RefusalError, type Refusal } from '@timers/shared/errors.ts'
import type { ScanPage, Selection } from '@timers/shared/timer/results.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'
import type { Following } from './following.ts'
import { Gate } from './gate.ts'
import type { ScanPort } from './ports.ts'
import { fold, type Subscription } from './subscription.ts'

export interface JoinsOptions {
  readonly timers: number
  readonly joinsAtOnce: number
  readonly joinsWaiting: number
  readonly joinMs: number
  readonly joinAgainMs: number
}

export interface JoinsDeps {
  readonly clock: Clock
  readonly random: () => number
  readonly core: ScanPort
  readonly following: (partition: number) => Following | undefined
}

export interface Joining {
  readonly subscription: Subscription
  readonly partitions: readonly number[]
  /** Monotonic; Infinity = for as long as the subscription lasts. */
  readonly untilMs: number
  /** These are a partition's timers at this moment; from now on its events count. */
  readonly onSettled: (partition: number, timers: Map<string, Timer>) => void
  /** All are settled, at this moment. False = it is too early: what is missing comes by the feed. */
  readonly onDone: () => boolean
}

const unavailable: Refusal = {
  code: 'unavailable',
  detail: 'The timers could not be read in time. Nothing is subscribed.',
  retryAfterMs: 1000,
}
const mostAgainMs = 3000

export class Joins {
  readonly #options: JoinsOptions
  readonly #deps: JoinsDeps
  readonly #gate: Gate

  constructor(options: JoinsOptions, deps: JoinsDeps) {
    this.#options = options
    this.#deps = deps
    this.#gate = new Gate({ atOnce: options.joinsAtOnce, waiting: options.joinsWaiting }, deps)
  }

  /** Resolves to undefined when done, or when the subscription has ended meanwhile. */
  async run(joining: Joining): Promise<Refusal | undefined> {
    const { clock, random } = this.#deps
    const { subscription } = joining
    const { signal } = subscription.end
    const again = { firstMs: this.#options.joinAgainMs, mostMs: mostAgainMs }
    for (let attempt = 0; ; attempt++) {
      if (attempt > 0) await pause(clock, backoffMs(again, attempt - 1, random), signal)
      if (subscription.hasEnded()) return undefined
      const refusal = this.#missing(joining).length > 0 ? await this.#attempt(joining) : undefined
      if (subscription.hasEnded()) return undefined
      if (this.#missing(joining).length === 0 && joining.onDone()) return undefined
      if (refusal !== undefined && refusal.code !== 'unavailable') return refusal
      if (clock.monotonicMs() >= joining.untilMs) return refusal ?? unavailable
    }
  }

  async #attempt(joining: Joining): Promise<Refusal | undefined> {
    const { clock } = this.#deps
    const { signal } = joining.subscription.end
    const withinMs = Math.min(this.#options.joinMs, Math.max(0, joining.untilMs - clock.monotonicMs()))
    const leave = await this.#gate.enter(withinMs, signal)
    if (leave === undefined) return unavailable
    const followings = this.#missing(joining).flatMap((partition) => this.#deps.following(partition) ?? [])
    const holds = followings.map((following) => ({ following, hold: following.follower.hold() }))
    try {
      const flushed = Promise.all(followings.map((following) => following.flushed()))
      if (!(await succeeds(flushed, withinMs, clock))) return unavailable
      return await this.#scan(joining, withinMs)
    } finally {
      for (const { following, hold } of holds) following.follower.release(hold)
      leave()
    }
  }

  async #scan(joining: Joining, withinMs: number): Promise<Refusal | undefined> {
    const { clock, core } = this.#deps
    const { subscription } = joining
    const partitions = this.#missing(joining)
    const gathered = new Map<number, Timer[]>()
    const request = {
      tenantId: subscription.tenantId,
      partitions,
      selection: selectionWithin(subscription, partitions),
      limit: this.#options.timers,
    }
    try {
      const deadlineMs = clock.nowMs() + withinMs
      for await (const page of core.scan(request, deadlineMs, subscription.end.signal)) {
        const before = gathered.get(page.partition)
        const timers = before === undefined ? [...page.timers] : [...before, ...page.timers]
        gathered.set(page.partition, timers)
        if (!page.more) this.#settle(joining, page, timers)
      }
      return undefined
    } catch (error) {
      if (error instanceof RefusalError) return error.refusal
      if (subscription.hasEnded()) return undefined
      throw error
    }
  }

  #settle(joining: Joining, page: ScanPage, found: readonly Timer[]): void {
    const { subscription } = joining
    const following = this.#deps.following(page.partition)
    if (following === undefined || subscription.hasEnded()) return
    if (subscription.startsAfter.has(page.partition)) return
    const { follower } = following
    if (follower.position === undefined && !follower.begin(page.sequence, page.term)) return
    const recent = follower.since(page.sequence)
    // The owner has not applied yet what the feed has brought here already: it is asked again.
    if (recent === undefined) return
    const timers = new Map(found.map((timer) => [timer.timerId, timer]))
    for (const { record } of recent) {
      if (record.body.kind !== 'batch') continue
      for (const event of record.body.events) {
        const { tenantId, timerId } = event.timer
        if (tenantId === subscription.tenantId && subscription.selects(timerId)) fold(timers, event)
      }
    }
    subscription.startsAfter.set(page.partition, page.sequence)
    joining.onSettled(page.partition, timers)
  }

  #missing({ subscription, partitions }: Joining): number[] {
    return partitions.filter((partition) => !subscription.startsAfter.has(partition))
  }
}

function succeeds(promise: Promise<unknown>, withinMs: number, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.after(withinMs, () => {
      resolve(false)
    })
    const settle = (succeeded: boolean): void => {
      cancel()
      resolve(succeeded)
    }
    promise.then(
      () => {
        settle(true)
      },
      () => {
        settle(false)
      },
    )
  })
}

/** Of named timers only those that these partitions may have. */
function selectionWithin(subscription: Subscription, partitions: readonly number[]): Selection {
  if (!subscription.named) return subscription.selection
  return { timerIds: partitions.flatMap((partition) => subscription.partitions.get(partition) ?? []) }
}
