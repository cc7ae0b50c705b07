// Which node should have which partition: rendezvous over the live, as this one sees them. A hint, never safety.

import type { Clock } from '@timers/shared/clock.ts'
import type { Directory, LiveNode } from '@timers/shared/cluster/directory.ts'
import { rendezvousOrder } from '@timers/shared/cluster/rendezvous.ts'

export interface NamingOptions {
  readonly node: string
  readonly partitionCount: number
}

export class Naming {
  readonly #options: NamingOptions
  readonly #deps: { readonly directory: Directory; readonly clock: Clock }
  #live: ReadonlyMap<string, LiveNode> = new Map()
  /** By partition, the first that should have it first. */
  #orders: readonly (readonly string[])[] = []
  #over = ''

  constructor(options: NamingOptions, deps: { readonly directory: Directory; readonly clock: Clock }) {
    this.#options = options
    this.#deps = deps
  }

  /** Looks again who lives; `staying`: this node is to be named as well. */
  look(staying: boolean): void {
    const { node, partitionCount } = this.#options
    const { directory, clock } = this.#deps
    const others = directory
      .live('timer-core', clock.monotonicMs())
      .filter(({ name, leaving }) => name !== node && !leaving)
    this.#live = new Map(others.map((other) => [other.name, other]))
    const names = [...this.#live.keys(), ...(staying ? [node] : [])].sort()
    const over = names.join(' ')
    if (over === this.#over) return
    this.#over = over
    this.#orders = Array.from({ length: partitionCount }, (_, partition) => rendezvousOrder(partition, names))
  }

  /** Undefined when nobody is to have it, or before the first look. */
  of(partition: number): string | undefined {
    return this.#orders[partition]?.[0]
  }

  /** The other nodes that may have it, in the order in which they are to be asked. */
  others(partition: number): LiveNode[] {
    return (this.#orders[partition] ?? []).flatMap((name) => this.#live.get(name) ?? [])
  }
}
