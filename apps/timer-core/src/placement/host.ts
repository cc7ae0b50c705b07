// Which partitions this node serves: it takes those that it is named for, and hands the others over to the nodes that
// are. A hint, never safety: two nodes may both believe, and the log lets only one append.

import { pause, type Clock } from '@timers/shared/clock.ts'
import {
  holdDownTimes,
  type Directory,
  type NodeState,
  type OwnedPartition,
} from '@timers/shared/cluster/directory.ts'
import type { Partition } from '../partition/partition.ts'
import { Naming } from './naming.ts'
import type { Peers } from './peers.ts'
import { Quarantine } from './quarantine.ts'

export interface HostOptions {
  readonly node: string
  readonly partitionCount: number
}

/** What a partition asks and tells its host. */
export interface Tenancy {
  /** Whether it should go on trying to be owned. */
  readonly mine: () => boolean
  /** Called once: it will never serve again. With a fault: it is to be quarantined. */
  readonly ended: (fault: unknown) => void
}

export interface HostDeps {
  readonly directory: Directory
  readonly clock: Clock
  readonly peers: Peers
  /** A new one, which owns nothing yet. */
  readonly open: (partition: number, tenancy: Tenancy) => Partition
  /** What is owned has changed: say so now. */
  readonly changed: () => void
}

export const placementTimes = {
  /** How often placement is looked at. */
  everyMs: 250,
  /** A starting node listens for so long before it claims anything. */
  listenMs: 600,
  /** Recoveries at once: each reads a whole log. */
  recoveriesAtOnce: 8,
  /** Partitions that are being handed over at once. */
  handOversAtOnce: 4,
  /** What another node has asked us to read is kept for so long without its Release. */
  preparedForMs: 10_000,
  /** What another node has asked us to take is ours for so long, whoever is named. */
  grantedForMs: 2000,
  /** A node that leaves hands over for so long; what is left then is given up. */
  leaveWithinMs: 6000,
} as const

export class Host implements AsyncDisposable {
  readonly #options: HostOptions
  readonly #deps: HostDeps
  readonly #naming: Naming
  readonly #partitions = new Map<number, Partition>()
  readonly #quarantine: Quarantine
  readonly #releases = new Map<number, Promise<void>>()
  /** Read, and not taken: until when they are kept, monotonic. */
  readonly #preparedUntilMs = new Map<number, number>()
  /** Until when a partition is ours because its owner has released it for us, monotonic. */
  readonly #grantedUntilMs = new Map<number, number>()
  #recovering = 0
  /** When placement was to be looked at, by both clocks: the machine may have been suspended. */
  #dueAt = { monotonicMs: 0, wallMs: 0 }
  #cancel: (() => void) | undefined
  #leaving = false

  constructor(options: HostOptions, deps: HostDeps) {
    this.#options = options
    this.#deps = deps
    this.#quarantine = new Quarantine(options, deps)
    this.#naming = new Naming(options, { ...deps, quarantine: this.#quarantine })
  }

  start(): void {
    this.#later(placementTimes.listenMs)
  }

  /** What its heartbeats say of placement. */
  said(): Pick<NodeState, 'owned' | 'leaving'> & Required<Pick<NodeState, 'heldDown' | 'quarantined'>> {
    const heldDown = this.#deps.directory.heldDown(this.#deps.clock.monotonicMs())
    return { owned: this.owned(), leaving: this.#leaving, heldDown, quarantined: this.#quarantine.said }
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

  /** How full the fullest of its logs is, from 0 to 1. */
  logRatio(): number {
    let most = 0
    for (const { room } of this.#partitions.values()) most = Math.max(most, room.ratio)
    return most
  }

  /** Commands that wait to be judged. */
  waiting(): number {
    let waiting = 0
    for (const partition of this.#partitions.values()) waiting += partition.waiting
    return waiting
  }

  owned(): OwnedPartition[] {
    const owned: OwnedPartition[] = []
    for (const [partition, { announced, sequence, term }] of this.#partitions) {
      if (announced) owned.push({ partition, sequence, term })
    }
    return owned
  }

  /** The node that placement names; undefined before the first look. */
  named(partition: number): string | undefined {
    return this.#naming.of(partition)
  }

  /** Its owner is going to hand it over to this node: whether this one now stands at the end of its log. */
  async prepare(partition: number): Promise<boolean> {
    if (this.#partitions.has(partition) || !this.#hasHands) return false
    const opened = this.#open(partition)
    this.#preparedUntilMs.set(partition, this.#deps.clock.monotonicMs() + placementTimes.preparedForMs)
    this.#recovering += 1
    const ready = await opened.prepare()
    this.#recovering -= 1
    if (!ready) await opened.release(undefined)
    return ready
  }

  /** Its owner has released it for this node: whether this one now serves it. */
  async take(partition: number): Promise<boolean> {
    if (this.#leaving || (!this.#partitions.has(partition) && !this.#hasHands)) return false
    this.#grantedUntilMs.set(partition, this.#deps.clock.monotonicMs() + placementTimes.grantedForMs)
    const held = this.#partitions.get(partition) ?? this.#open(partition)
    if (!held.serving) await this.#acquire(held)
    return held.serving
  }

  /** Hands every partition over, or gives it up when that takes too long, and stops. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { clock, changed } = this.#deps
    this.#leaving = true
    this.#cancel?.()
    changed()
    const untilMs = clock.monotonicMs() + placementTimes.leaveWithinMs
    for (;;) {
      this.#naming.look(false)
      this.#give()
      const under = [...this.#releases.values()]
      if (under.length === 0 && (this.#partitions.size === 0 || clock.monotonicMs() >= untilMs)) break
      await Promise.race([...under, pause(clock, placementTimes.everyMs)])
      if (clock.monotonicMs() >= untilMs) break
    }
    await Promise.all([...this.#partitions.values()].map((held) => held.release(undefined)))
  }

  readonly #again = (): void => {
    if (this.#leaving) return
    const { clock } = this.#deps
    const { monotonicMs, wallMs } = this.#dueAt
    const lateMs = Math.max(clock.monotonicMs() - monotonicMs, clock.wallMs() - wallMs)
    if (lateMs > holdDownTimes.stallMs) {
      // All others are silent by its own clock, and may have taken what it had: it listens first, as if it began.
      this.#naming.stalled()
      this.#later(placementTimes.listenMs)
      return
    }
    this.#place()
    this.#later(placementTimes.everyMs)
  }

  #later(delayMs: number): void {
    const { clock } = this.#deps
    this.#dueAt = { monotonicMs: clock.monotonicMs() + delayMs, wallMs: clock.wallMs() + delayMs }
    this.#cancel = clock.after(delayMs, this.#again)
  }

  #place(): void {
    const { node, partitionCount } = this.#options
    this.#naming.look(true)
    for (const held of [...this.#partitions.values()]) held.tick()
    this.#give()
    for (let partition = 0; partition < partitionCount; partition += 1) {
      // Its owner hands it over once it sees that placement names us.
      if (this.#naming.of(partition) !== node || this.#isOwnedByOther(partition)) continue
      const held = this.#partitions.get(partition)
      if (held === undefined && this.#hasHands) void this.#acquire(this.#open(partition))
      // Whoever was to say that we may take it is gone.
      else if (held !== undefined && this.#preparedUntilMs.has(partition)) void this.#acquire(held)
    }
  }

  /** Gives up what others are named for. */
  #give(): void {
    for (const [partition, held] of [...this.#partitions]) {
      if (this.#isWanted(partition) || this.#releases.has(partition)) continue
      const isHandOver = held.serving && this.#naming.of(partition) !== undefined
      if (isHandOver && this.#releases.size >= placementTimes.handOversAtOnce) continue
      const released = isHandOver ? this.#handOver(partition, held) : held.release(this.named(partition))
      this.#releases.set(
        partition,
        released.finally(() => this.#releases.delete(partition)),
      )
    }
  }

  /** The successor reads the log while this node serves on; then the Release, and at once its Takeover. */
  async #handOver(partition: number, held: Partition): Promise<void> {
    const { peers } = this.#deps
    const [successor] = this.#naming.others(partition)
    if (successor === undefined) return
    const ready = await peers.prepare(successor, partition)
    // Another one may be named by now; and who cannot read it must not get it.
    if (!ready || this.#isWanted(partition) || this.#naming.of(partition) !== successor.name) return
    await held.release(successor.name)
    const others = this.#naming.others(partition).filter(({ name }) => name !== successor.name)
    for (const node of [successor, ...others]) if (await peers.take(node, partition)) return
  }

  get #hasHands(): boolean {
    return !this.#leaving && this.#recovering < placementTimes.recoveriesAtOnce
  }

  #open(partition: number): Partition {
    const { open, changed } = this.#deps
    const opened = open(partition, {
      mine: () => this.#isMine(partition),
      ended: (fault) => {
        this.#partitions.delete(partition)
        this.#preparedUntilMs.delete(partition)
        if (fault !== undefined) this.#quarantine.failed(partition)
        changed()
      },
    })
    this.#partitions.set(partition, opened)
    return opened
  }

  async #acquire(opened: Partition): Promise<void> {
    this.#preparedUntilMs.delete(opened.partition)
    this.#recovering += 1
    await opened.acquire()
    this.#recovering -= 1
    this.#deps.changed()
  }

  /** Whether it is to be kept: read for its owner, released for us, or named for this node. */
  #isWanted(partition: number): boolean {
    if (this.#leaving) return false
    const preparedUntilMs = this.#preparedUntilMs.get(partition)
    if (preparedUntilMs !== undefined) return this.#deps.clock.monotonicMs() < preparedUntilMs
    const named = this.#naming.of(partition)
    if (this.#isGranted(partition) || named === this.#options.node) return true
    const serves = this.#partitions.get(partition)?.serving === true
    return serves && (this.#naming.isHeldDown || named === undefined)
  }

  /** Whether it is to be owned, if need be by force. */
  #isMine(partition: number): boolean {
    if (this.#leaving) return false
    const named = this.#naming.of(partition) === this.#options.node
    return this.#isGranted(partition) || (named && !this.#isOwnedByOther(partition))
  }

  #isGranted(partition: number): boolean {
    return this.#deps.clock.monotonicMs() < (this.#grantedUntilMs.get(partition) ?? 0)
  }

  #isOwnedByOther(partition: number): boolean {
    const owner = this.#deps.directory.ownerOf(partition, this.#deps.clock.monotonicMs())
    return owner !== undefined && owner.name !== this.#options.node
  }
}
