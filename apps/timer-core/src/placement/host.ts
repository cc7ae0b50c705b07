// Which partitions this node serves: it takes those that rendezvous over the live nodes names it for, and gives
// up the others. A hint, never safety: two nodes may both believe, and the log lets only one append.

import type { Clock } from '@timers/shared/clock.ts'
import type { Directory, OwnedPartition } from '@timers/shared/cluster/directory.ts'
import { rendezvousOrder } from '@timers/shared/cluster/rendezvous.ts'
import type { Partition } from '../partition/partition.ts'

export interface HostOptions {
  readonly node: string
  readonly partitionCount: number
}

export interface HostDeps {
  readonly directory: Directory
  readonly clock: Clock
  /** A new one, which asks `mine` whether it should go on trying. */
  readonly open: (partition: number, mine: () => boolean) => Partition
  /** What is owned has changed: say so now. */
  readonly changed: () => void
}

export const placementTimes = {
  /** How often placement is looked at. */
  everyMs: 250,
  /** A starting node listens for so long before it claims anything. */
  listenMs: 600,
  /** A partition whose log is damaged is tried again after so long. */
  damagedMs: 60_000,
  /** Recoveries at once: each reads a whole log. */
  recoveriesAtOnce: 8,
} as const

export class Host implements AsyncDisposable {
  readonly #options: HostOptions
  readonly #deps: HostDeps
  readonly #partitions = new Map<number, Partition>()
  readonly #notBeforeMs = new Map<number, number>()
  readonly #releases = new Map<number, Promise<void>>()
  #recovering = 0
  #named: readonly string[] = []
  #namedOver = ''
  #cancel: (() => void) | undefined
  #leaving = false

  constructor(options: HostOptions, deps: HostDeps) {
    this.#options = options
    this.#deps = deps
  }

  start(): void {
    this.#cancel = this.#deps.clock.after(placementTimes.listenMs, this.#again)
  }

  /** The partition if this node has it; it may still be recovering. */
  partition(partition: number): Partition | undefined {
    return this.#partitions.get(partition)
  }

  /** The partition if this node serves it. */
  serving(partition: number): Partition | undefined {
    const held = this.#partitions.get(partition)
    return held?.serving === true ? held : undefined
  }

  /** Timers that are due and not fired. */
  overdue(): number {
    const nowMs = this.#deps.clock.nowMs()
    let overdue = 0
    for (const partition of this.#partitions.values()) overdue += partition.state.overdue(nowMs)
    return overdue
  }

  /** Commands that wait to be judged. */
  waiting(): number {
    let waiting = 0
    for (const partition of this.#partitions.values()) waiting += partition.waiting
    return waiting
  }

  owned(): OwnedPartition[] {
    const owned: OwnedPartition[] = []
    for (const [partition, { serving, sequence, term }] of this.#partitions) {
      if (serving) owned.push({ partition, sequence, term })
    }
    return owned
  }

  /** The node that placement names; undefined before the first look. */
  named(partition: number): string | undefined {
    return this.#named[partition]
  }

  /** Gives every partition up and stops. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#leaving = true
    this.#cancel?.()
    this.#name()
    await Promise.all([...this.#partitions.keys()].map((partition) => this.#release(partition)))
  }

  readonly #again = (): void => {
    if (this.#leaving) return
    this.#place()
    this.#cancel = this.#deps.clock.after(placementTimes.everyMs, this.#again)
  }

  #place(): void {
    this.#name()
    const { node, partitionCount } = this.#options
    for (let partition = 0; partition < partitionCount; partition += 1) {
      const held = this.#partitions.get(partition)
      const mine = this.#named[partition] === node
      held?.tick()
      if (held !== undefined && !mine) void this.#release(partition)
      else if (held === undefined && mine) this.#take(partition)
    }
  }

  /** Rendezvous over the live, this node among them while it stays. */
  #name(): void {
    const { clock, directory } = this.#deps
    const { node, partitionCount } = this.#options
    const names = directory.live('timer-core', clock.monotonicMs()).map(({ name }) => name)
    const live = names.filter((name) => name !== node)
    if (!this.#leaving) live.push(node)
    live.sort()
    const over = live.join(' ')
    if (over === this.#namedOver) return
    this.#namedOver = over
    this.#named = Array.from(
      { length: partitionCount },
      (_, partition) => rendezvousOrder(partition, live)[0] ?? '',
    )
  }

  #take(partition: number): void {
    const { node } = this.#options
    const nowMs = this.#deps.clock.monotonicMs()
    const owner = this.#deps.directory.ownerOf(partition, nowMs)
    // It stops announcing once it sees that placement names us, and then it has nothing in flight.
    if (owner !== undefined && owner.name !== node) return
    if (this.#recovering >= placementTimes.recoveriesAtOnce || this.#releases.has(partition)) return
    if ((this.#notBeforeMs.get(partition) ?? 0) > nowMs) return

    const opened = this.#deps.open(partition, () => !this.#leaving && this.#named[partition] === node)
    this.#partitions.set(partition, opened)
    this.#recovering += 1
    opened
      .acquire()
      .catch(() => {
        this.#notBeforeMs.set(partition, this.#deps.clock.monotonicMs() + placementTimes.damagedMs)
      })
      .finally(() => {
        this.#recovering -= 1
        if (opened.closed) this.#partitions.delete(partition)
        this.#deps.changed()
      })
  }

  #release(partition: number): Promise<void> {
    const held = this.#partitions.get(partition)
    const under = this.#releases.get(partition)
    if (held === undefined || under !== undefined) return under ?? Promise.resolve()
    const released = held.release(this.#named[partition]).then(() => {
      this.#partitions.delete(partition)
      this.#releases.delete(partition)
      this.#deps.changed()
    })
    this.#releases.set(partition, released)
    return released
  }
}
