// Tells viewers that what they see may be old, because nobody is heard to own it, and when that is over:
// each of them once for all that changed together.

import { say } from './say.ts'
import type { Subscription } from './subscription.ts'
import type { Viewer } from './viewer.ts'

interface News {
  /** For a viewer of a prefix or all: whether any of it is stale. */
  all: boolean | undefined
  readonly stale: string[]
  readonly fresh: string[]
}

export class Staleness {
  readonly #news = new Map<Viewer, News>()

  /** One of the subscription's partitions has become stale, or is no longer. */
  changed(subscription: Subscription, partition: number, stale: boolean): void {
    const { viewer } = subscription
    let news = this.#news.get(viewer)
    if (news === undefined) this.#news.set(viewer, (news = { all: undefined, stale: [], fresh: [] }))
    subscription.stale += stale ? 1 : -1
    const timerIds = subscription.partitions.get(partition)
    if (timerIds !== undefined) (stale ? news.stale : news.fresh).push(...timerIds)
    else if (subscription.stale === (stale ? 1 : 0)) news.all = stale
  }

  tell(nowMs: number): void {
    for (const [viewer, { all, stale, fresh }] of this.#news) {
      if (all !== undefined) viewer.tell(say('stale', nowMs, { all: true, stale: all }))
      if (stale.length > 0) viewer.tell(say('stale', nowMs, { timerIds: stale, stale: true }))
      if (fresh.length > 0) viewer.tell(say('stale', nowMs, { timerIds: fresh, stale: false }))
    }
    this.#news.clear()
  }
}
