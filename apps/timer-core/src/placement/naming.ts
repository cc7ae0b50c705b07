// Which node should have which partition: rendezvous over the live, as this one sees them, without those that are held
// down, and by what was tried in vain. A hint, never safety.

import type { Clock } from '@timers/shared/clock.ts'
import { holdDownTimes, type Directory, type LiveNode } from '@timers/shared/cluster/directory.ts'
import { rendezvousOrder } from '@timers/shared/cluster/rendezvous.ts'
import type { Quarantine } from './quarantine.ts'

export interface NamingOptions {
  readonly node: string
  readonly partitionCount: number
}

export interface NamingDeps {
  readonly directory: Directory
  readonly clock: Clock
  readonly quarantine: Quarantine
}

export class Naming {
  readonly #options: NamingOptions
  readonly #deps: NamingDeps
  #live: ReadonlyMap<string, LiveNode> = new Map()
  /** By partition, the first that should have it first. */
  #orders: readonly (readonly string[])[] = []
  #over = ''
  #stalledUntilMs = -Infinity
  #isHeldDown = false

  constructor(options: NamingOptions, deps: NamingDeps) {
    this.#options = options
    this.#deps = deps
  }

  /** This node stood still. */
  stalled(): void {
    this.#stalledUntilMs = this.#deps.clock.monotonicMs() + holdDownTimes.forMs
  }

  /** Whether this node is to take nothing; what it serves it keeps. */
  get isHeldDown(): boolean {
    return this.#isHeldDown
  }

  /** Looks again who lives; `staying`: this node is to be named as well. */
  look(staying: boolean): void {
    const { node, partitionCount } = this.#options
    const { directory, clock, quarantine } = this.#deps
    const nowMs = clock.monotonicMs()
    quarantine.look()
    const others = directory
      .live('timer-core', nowMs)
      .filter(({ name, leaving }) => name !== node && !leaving)
    this.#live = new Map(others.map((other) => [other.name, other]))
    const held = new Set(directory.heldDown(nowMs))
    // Of itself a node knows by what the others say, and by its own clock.
    held.delete(node)
    if (nowMs < this.#stalledUntilMs || others.some(({ heldDown }) => heldDown?.includes(node)))
      held.add(node)
    const all = [...this.#live.keys(), ...(staying ? [node] : [])].sort()
    const free = all.filter((name) => !held.has(name))
    const names = free.length > 0 ? free : all
    this.#isHeldDown = staying && !names.includes(node)
    const over = names.join(' ')
    if (over === this.#over) return
    this.#over = over
    this.#orders = Array.from({ length: partitionCount }, (_, partition) => rendezvousOrder(partition, names))
  }

  /** Undefined when nobody is to have it, or before the first look. */
  of(partition: number): string | undefined {
    return this.#order(partition)[0]
  }

  /** The other nodes that may have it, in the order in which they are to be asked. */
  others(partition: number): LiveNode[] {
    return this.#order(partition).flatMap((name) => this.#live.get(name) ?? [])
  }

  #order(partition: number): readonly string[] {
    return this.#deps.quarantine.order(partition, this.#orders[partition] ?? [])
  }
}
