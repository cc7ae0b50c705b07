// Partitions that some node could not serve, for what is in their logs or for a bug: each node says so, another one tries
// after a while, and after a few tries in all nobody does until those who tried are started anew.

import type { Clock } from '@timers/shared/clock.ts'
import type { Directory, Quarantined } from '@timers/shared/cluster/directory.ts'

export const quarantineLimits = { againAfterMs: 60_000, tries: 3 } as const

interface Tried {
  readonly byNode: ReadonlyMap<string, number>
  readonly total: number
  /** Since when it is so many, monotonic. */
  readonly sinceMs: number
}

export class Quarantine {
  readonly #node: string
  readonly #deps: { readonly directory: Directory; readonly clock: Clock }
  readonly #own = new Map<number, number>()
  #tried = new Map<number, Tried>()

  constructor(
    options: { readonly node: string },
    deps: { readonly directory: Directory; readonly clock: Clock },
  ) {
    this.#node = options.node
    this.#deps = deps
  }

  /** This node has tried in vain. */
  failed(partition: number): void {
    this.#own.set(partition, (this.#own.get(partition) ?? 0) + 1)
    this.look()
  }

  /** What this node says of itself. */
  get said(): Quarantined[] {
    return [...this.#own].map(([partition, tries]) => ({ partition, tries }))
  }

  /** Looks again what the others say. */
  look(): void {
    const { directory, clock } = this.#deps
    const nowMs = clock.monotonicMs()
    const said = new Map<number, Map<string, number>>()
    const add = (node: string, { partition, tries }: Quarantined): void => {
      const byNode = said.get(partition) ?? new Map<string, number>()
      said.set(partition, byNode.set(node, tries))
    }
    for (const { name, quarantined } of directory.live('timer-core', nowMs))
      if (name !== this.#node) for (const one of quarantined ?? []) add(name, one)
    for (const one of this.said) add(this.#node, one)
    const tried = new Map<number, Tried>()
    for (const [partition, byNode] of said) {
      let total = 0
      for (const tries of byNode.values()) total += tries
      const before = this.#tried.get(partition)
      const sinceMs = before?.total === total ? before.sinceMs : nowMs
      tried.set(partition, { byNode, total, sinceMs })
    }
    this.#tried = tried
  }

  /** Of these, in this order, those that may have the partition: who has failed least comes first. */
  order(partition: number, order: readonly string[]): readonly string[] {
    const tried = this.#tried.get(partition)
    if (tried === undefined) return order
    const tries = (node: string): number => tried.byNode.get(node) ?? 0
    const nowMs = this.#deps.clock.monotonicMs()
    const isOwned = this.#deps.directory.ownerOf(partition, nowMs) !== undefined
    const mayBeTried =
      tried.total < quarantineLimits.tries && nowMs - tried.sinceMs >= quarantineLimits.againAfterMs
    return isOwned || mayBeTried ? order.toSorted((a, b) => tries(a) - tries(b)) : []
  }
}
