// Who is alive and who owns what, as one process hears it: a hint for routing and placement, never
// safety. Pure: told of heartbeats and asked with the observer's own monotonic time.

export const roles = ['timer-core', 'timer-api', 'ws-gateway', 'persistence'] as const
export type Role = (typeof roles)[number]

export interface OwnedPartition {
  readonly partition: number
  /** Of the newest record the owner has applied. */
  readonly sequence: number
  readonly term: string
}

/** A partition that a node could not serve, and how often it has tried. */
export interface Quarantined {
  readonly partition: number
  readonly tries: number
}

/** What a process says of itself. */
export interface NodeState {
  /** Unique in the cluster. */
  readonly name: string
  /** Random per start. */
  readonly incarnation: string
  readonly role: Role
  /** host:port of its gRPC or HTTP server, as others reach it. */
  readonly address: string
  readonly dataId: string
  readonly owned: readonly OwnedPartition[]
  /** It takes nothing more; once it owns nothing it is gone. */
  readonly leaving: boolean
  /** Of the core: nodes that it saw die lately, and come back; they are not to take anything yet. */
  readonly heldDown?: readonly string[]
  /** Of the core: what is in its log, or a bug, keeps it from serving these. */
  readonly quarantined?: readonly Quarantined[]
}

export interface LiveNode extends NodeState {
  /** On the observer's monotonic clock. */
  readonly heardAtMs: number
}

/** A node that died is no good place for a partition right after it came back: it may do so again. */
export const holdDownTimes = {
  /** A name that died so long ago is as good as any. */
  diedWithinMs: 60_000,
  /** From its return. */
  forMs: 5000,
  /** A process that stood still for so long is to be taken for one that died, and saw nobody else die. */
  stallMs: 1000,
} as const

interface Entry {
  readonly node: LiveNode
  readonly owned: ReadonlyMap<number, OwnedPartition>
}

export class Directory {
  readonly #deadAfterMs: number
  readonly #entries = new Map<string, Entry>()
  readonly #claimHeardAtMs = new Map<number, number>()
  readonly #diedAtMs = new Map<string, number>()
  readonly #returnedAtMs = new Map<string, number>()
  #calledAtMs = -Infinity
  /** After it stood still itself: until then a silence says nothing of the others. */
  #blindUntilMs = -Infinity
  readonly #listeners = new Set<() => void>()

  /** A node unheard for `deadAfterMs` is dead; one that is leaving and owns nothing is so at once. */
  constructor(options: { deadAfterMs: number }) {
    this.#deadAfterMs = options.deadAfterMs
  }

  /** The newest incarnation of a name replaces the one before. */
  hear(state: NodeState, nowMs: number): void {
    const blind = this.#isBlind(nowMs)
    const before = this.#entries.get(state.name)
    if (state.leaving && state.owned.length === 0) {
      // A late word of an incarnation that was replaced says nothing about the one that lives.
      if (before?.node.incarnation !== state.incarnation) return
      this.#entries.delete(state.name)
      this.#tell()
      return
    }
    if (before !== undefined && !before.node.leaving) {
      const replaced = before.node.incarnation !== state.incarnation
      if (replaced || (!blind && !this.#alive(before, nowMs))) this.#diedAtMs.set(state.name, nowMs)
    }
    if (nowMs - (this.#diedAtMs.get(state.name) ?? -Infinity) < holdDownTimes.diedWithinMs)
      this.#returnedAtMs.set(state.name, nowMs)
    this.#diedAtMs.delete(state.name)
    const owned = new Map(state.owned.map((claim) => [claim.partition, claim]))
    this.#entries.set(state.name, { node: { ...state, heardAtMs: nowMs }, owned })
    for (const partition of owned.keys()) this.#claimHeardAtMs.set(partition, nowMs)
    if (before === undefined || !this.#alive(before, nowMs) || differs(before, state)) this.#tell()
  }

  /** Forgets who died since it was last called, and tells the listeners of it. */
  sweep(nowMs: number): void {
    const blind = this.#isBlind(nowMs)
    let died = false
    for (const [name, entry] of this.#entries) {
      if (this.#alive(entry, nowMs)) continue
      this.#entries.delete(name)
      if (!blind && !entry.node.leaving) this.#diedAtMs.set(name, nowMs)
      died = true
    }
    for (const [name, atMs] of this.#diedAtMs)
      if (nowMs - atMs >= holdDownTimes.diedWithinMs) this.#diedAtMs.delete(name)
    for (const [name, atMs] of this.#returnedAtMs)
      if (nowMs - atMs >= holdDownTimes.forMs) this.#returnedAtMs.delete(name)
    if (died) this.#tell()
  }

  /** Nodes that this process saw die, and come back just now. */
  heldDown(nowMs: number): string[] {
    return [...this.#returnedAtMs]
      .filter(([, atMs]) => nowMs - atMs < holdDownTimes.forMs)
      .map(([name]) => name)
  }

  /** Sorted by name. */
  live(role: Role, nowMs: number): readonly LiveNode[] {
    const nodes: LiveNode[] = []
    for (const entry of this.#entries.values()) {
      if (entry.node.role === role && this.#alive(entry, nowMs)) nodes.push(entry.node)
    }
    return nodes.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  ownerOf(partition: number, nowMs: number): LiveNode | undefined {
    return this.#owner(partition, nowMs)?.node
  }

  /** Of the newest record the owner says it has applied. */
  sequenceOf(partition: number, nowMs: number): number | undefined {
    return this.#owner(partition, nowMs)?.owned.get(partition)?.sequence
  }

  /** When somebody last said to own it, on the observer's monotonic clock. */
  ownerHeardAtMs(partition: number): number | undefined {
    return this.#claimHeardAtMs.get(partition)
  }

  /** How many of the partitions nobody has been heard to own for `forMs`. */
  unowned(partitionCount: number, forMs: number, nowMs: number): number {
    let unowned = 0
    for (let partition = 0; partition < partitionCount; partition += 1) {
      if (nowMs - (this.#claimHeardAtMs.get(partition) ?? -Infinity) >= forMs) unowned += 1
    }
    return unowned
  }

  /** Called when the live nodes or what they own may have changed; the answer ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /** Of several claimants the one that has read furthest: the others do not know yet. */
  #owner(partition: number, nowMs: number): Entry | undefined {
    let owner: Entry | undefined
    let furthest = -1
    for (const entry of this.#entries.values()) {
      const claim = entry.owned.get(partition)
      if (claim === undefined || claim.sequence <= furthest || !this.#alive(entry, nowMs)) continue
      owner = entry
      furthest = claim.sequence
    }
    return owner
  }

  /** Asked with every word and every look, of which there are several a second. */
  #isBlind(nowMs: number): boolean {
    if (nowMs - this.#calledAtMs > holdDownTimes.stallMs) this.#blindUntilMs = nowMs + this.#deadAfterMs
    this.#calledAtMs = nowMs
    return nowMs < this.#blindUntilMs
  }

  #alive(entry: Entry, nowMs: number): boolean {
    return nowMs - entry.node.heardAtMs < this.#deadAfterMs
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}

/** Whether anything but sequences changed. */
function differs(before: Entry, state: NodeState): boolean {
  const { node, owned } = before
  return (
    node.incarnation !== state.incarnation ||
    node.address !== state.address ||
    node.role !== state.role ||
    node.dataId !== state.dataId ||
    node.leaving !== state.leaving ||
    owned.size !== state.owned.length ||
    state.owned.some((claim) => owned.get(claim.partition)?.term !== claim.term)
  )
}
