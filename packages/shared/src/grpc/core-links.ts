// The links to the timer-core nodes that are alive, as the directory has them: opened when first needed, closed
// when the node is gone, so that what waits on a node that died or stands still is sent to the next owner.

import type { Clock } from '../clock.ts'
import type { BreakerState } from '../cluster/breaker.ts'
import type { Directory, LiveNode } from '../cluster/directory.ts'
import type { Logger } from '../logger.ts'
import { CoreLink } from './core-link.ts'
import type { NodeChannel } from './node-channel.ts'

export interface CoreLinksDeps {
  readonly directory: Directory
  readonly clock: Clock
  readonly logger: Logger
  readonly openChannel: (address: string) => NodeChannel
}

interface Open {
  readonly link: CoreLink
  readonly incarnation: string
  readonly address: string
}

/** A partition without an owner for so long is refused; before, its commands wait for the next one. */
const abandonedAfterMs = 3000

export class CoreLinks {
  readonly #deps: CoreLinksDeps
  readonly #byName = new Map<string, Open>()
  readonly #endWatch: () => void
  readonly #waiting = new Set<() => void>()
  readonly #startedAtMs: number

  constructor(deps: CoreLinksDeps) {
    this.#deps = deps
    this.#startedAtMs = deps.clock.monotonicMs()
    this.#endWatch = deps.directory.onChange(() => {
      this.#dropGone()
      for (const wake of this.#waiting) wake()
    })
  }

  /** The link to the node that says it owns the partition. */
  ownerOf(partition: number): CoreLink | undefined {
    const { directory, clock } = this.#deps
    const node = directory.ownerOf(partition, clock.monotonicMs())
    return node && this.#linkTo(node)
  }

  /** The link to the node of this name, if it lives. */
  named(name: string): CoreLink | undefined {
    const { directory, clock } = this.#deps
    const node = directory.live('timer-core', clock.monotonicMs()).find((live) => live.name === name)
    return node && this.#linkTo(node)
  }

  /** Nobody has said for a while to own it: callers need not wait to hear that. */
  isAbandoned(partition: number): boolean {
    const { directory, clock } = this.#deps
    const heardAtMs = directory.ownerHeardAtMs(partition) ?? this.#startedAtMs
    return clock.monotonicMs() - heardAtMs >= abandonedAfterMs
  }

  /** Of each node that was needed, by name. */
  breakers(): ReadonlyMap<string, BreakerState> {
    return new Map([...this.#byName].map(([name, { link }]) => [name, link.breaker.state]))
  }

  /** Settles when who is alive or owns what has changed, at the latest after `mostMs`. */
  changed(mostMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel()
        this.#waiting.delete(wake)
        resolve()
      }
      const cancel = this.#deps.clock.after(Math.max(0, mostMs), wake)
      this.#waiting.add(wake)
    })
  }

  close(): void {
    this.#endWatch()
    for (const { link } of this.#byName.values()) link.close()
    this.#byName.clear()
    for (const wake of this.#waiting) wake()
  }

  #linkTo(node: LiveNode): CoreLink {
    const known = this.#byName.get(node.name)
    if (known?.incarnation === node.incarnation && known.address === node.address) return known.link
    known?.link.close()
    const link = new CoreLink({ ...this.#deps, channel: this.#deps.openChannel(node.address) })
    this.#byName.set(node.name, { link, incarnation: node.incarnation, address: node.address })
    return link
  }

  #dropGone(): void {
    const { directory, clock } = this.#deps
    const live = new Map(directory.live('timer-core', clock.monotonicMs()).map((node) => [node.name, node]))
    for (const [name, { link, incarnation }] of this.#byName) {
      if (live.get(name)?.incarnation === incarnation) continue
      link.close()
      this.#byName.delete(name)
    }
  }
}
