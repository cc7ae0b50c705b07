// The partitions that somebody watches: each is followed as long as it has a subscription.

import { Following, type FollowingDeps, type FollowingOptions } from './following.ts'
import { Staleness } from './staleness.ts'
import type { Subscription } from './subscription.ts'

export class Followings implements Disposable {
  readonly #options: FollowingOptions
  readonly #deps: FollowingDeps
  readonly #followings = new Map<number, Following>()
  readonly #staleness = new Staleness()

  constructor(options: FollowingOptions, deps: FollowingDeps) {
    this.#options = options
    this.#deps = deps
  }

  get size(): number {
    return this.#followings.size
  }

  /** Those whose viewers have been told that what they see may be old. */
  get stale(): number {
    let stale = 0
    for (const following of this.#followings.values()) if (following.stale) stale += 1
    return stale
  }

  get(partition: number): Following | undefined {
    return this.#followings.get(partition)
  }

  add(subscription: Subscription): void {
    for (const partition of subscription.partitions.keys()) {
      let following = this.#followings.get(partition)
      if (following === undefined) {
        following = new Following(partition, this.#options, this.#deps)
        this.#followings.set(partition, following)
      }
      following.subscriptions.add(subscription)
    }
  }

  remove(subscription: Subscription): void {
    for (const partition of subscription.partitions.keys()) {
      const following = this.#followings.get(partition)
      if (!following?.subscriptions.delete(subscription) || following.subscriptions.size > 0) continue
      following[Symbol.dispose]()
      this.#followings.delete(partition)
    }
  }

  /** Its viewer has its timers, and is told which of them may be old. */
  started(subscription: Subscription): void {
    for (const partition of subscription.partitions.keys()) {
      if (this.#followings.get(partition)?.stale) this.#staleness.changed(subscription, partition, true)
    }
    this.#staleness.tell(this.#deps.clock.nowMs())
  }

  /** Every now and then. */
  look(): void {
    for (const following of this.#followings.values()) {
      if (!following.look()) continue
      for (const subscription of following.subscriptions) {
        if (subscription.snapshot !== undefined) continue
        this.#staleness.changed(subscription, following.partition, following.stale)
      }
    }
    this.#staleness.tell(this.#deps.clock.nowMs())
  }

  [Symbol.dispose](): void {
    for (const following of this.#followings.values()) following[Symbol.dispose]()
    this.#followings.clear()
  }
}
