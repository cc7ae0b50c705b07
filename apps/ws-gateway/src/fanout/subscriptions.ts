// Who watches what: by tenant, then by timer, by prefix, or all. One event finds its subscriptions in as
// many steps as there are of them, plus one for each length of prefix in use. Nothing crosses tenants.

import type { Selection } from '@timers/shared/timer/results.ts'

export interface Selecting {
  readonly tenantId: string
  readonly selection: Selection
}

export function selects(selection: Selection, timerId: string): boolean {
  if ('prefix' in selection) return timerId.startsWith(selection.prefix)
  return 'all' in selection || selection.timerIds.includes(timerId)
}

class Index<S extends Selecting> {
  readonly byTimer = new Map<string, Set<S>>()
  readonly byPrefix = new Map<string, Set<S>>()
  readonly all = new Set<S>()
  /** How many prefixes of each length there are. */
  readonly lengths = new Map<number, number>()
}

export class Subscriptions<S extends Selecting> {
  readonly #tenants = new Map<string, Index<S>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  add(subscription: S): void {
    let index = this.#tenants.get(subscription.tenantId)
    if (index === undefined) this.#tenants.set(subscription.tenantId, (index = new Index()))
    this.#size += 1
    const { selection } = subscription
    if ('prefix' in selection) {
      const { prefix } = selection
      if (put(index.byPrefix, prefix, subscription)) {
        index.lengths.set(prefix.length, (index.lengths.get(prefix.length) ?? 0) + 1)
      }
    } else if ('all' in selection) index.all.add(subscription)
    else for (const timerId of selection.timerIds) put(index.byTimer, timerId, subscription)
  }

  remove(subscription: S): void {
    const index = this.#tenants.get(subscription.tenantId)
    if (index === undefined) return
    this.#size -= 1
    const { selection } = subscription
    if ('prefix' in selection) {
      const { length } = selection.prefix
      if (drop(index.byPrefix, selection.prefix, subscription)) {
        const left = (index.lengths.get(length) ?? 0) - 1
        if (left > 0) index.lengths.set(length, left)
        else index.lengths.delete(length)
      }
    } else if ('all' in selection) index.all.delete(subscription)
    else for (const timerId of selection.timerIds) drop(index.byTimer, timerId, subscription)
    if (index.byTimer.size + index.byPrefix.size + index.all.size === 0) {
      this.#tenants.delete(subscription.tenantId)
    }
  }

  /** Adds to `into` every subscription that selects the timer, each once. */
  find(tenantId: string, timerId: string, into: S[]): void {
    const index = this.#tenants.get(tenantId)
    if (index === undefined) return
    const watching = index.byTimer.get(timerId)
    if (watching !== undefined) for (const subscription of watching) into.push(subscription)
    for (const length of index.lengths.keys()) {
      if (length > timerId.length) continue
      const alike = index.byPrefix.get(timerId.slice(0, length))
      if (alike !== undefined) for (const subscription of alike) into.push(subscription)
    }
    for (const subscription of index.all) into.push(subscription)
  }
}

/** True when it is the first under its key. */
function put<S>(sets: Map<string, Set<S>>, key: string, subscription: S): boolean {
  const set = sets.get(key)
  if (set === undefined) sets.set(key, new Set([subscription]))
  else set.add(subscription)
  return set === undefined
}

/** True when it was the last under its key. */
function drop<S>(sets: Map<string, Set<S>>, key: string, subscription: S): boolean {
  const set = sets.get(key)
  if (!set?.delete(subscription) || set.size > 0) return false
  return sets.delete(key)
}
