// One partition's stream in the broker, with the ways of the real one: a record that has its place but no quorum,
// the expected sequence held against such places too, replicas that are behind, room that ends, a tail that is
// lost. conformance.test.ts holds it against nats-server.

import type { LogEnds } from '../../../src/partition/ports.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

export interface Stored {
  readonly sequence: number
  /** The broker's clock. */
  readonly storedAtMs: number
  /** True time: replicas that are behind do not have it yet. */
  readonly committedAtMs: number
  readonly bytes: Uint8Array
}

export type AppendAnswer =
  | { readonly kind: 'ack'; readonly sequence: number }
  | { readonly kind: 'error'; readonly code: number; readonly text: string }

export const wrongLastSequence = 10071
export const noRoom = 10077
export const tooLarge = 10054

interface Proposal {
  readonly bytes: Uint8Array
  readonly answer: (answer: AppendAnswer) => void
}

export interface StreamDeps {
  readonly scheduler: Scheduler
  readonly random: Random
  /** The broker's clock. */
  readonly nowMs: () => number
  readonly committed: (stored: Stored) => void
  /** Everything before `first` is gone. */
  readonly purged: (first: number) => void
  /** Everything after `last` is gone. */
  readonly cut: (last: number) => void
}

/** What was stored longer ago is on the disk. */
export const syncedAfterMs = 3000
const payloadMost = 512 * 1024
/** What a message costs beside its bytes. */
const overhead = 40

export class Stream {
  readonly #deps: StreamDeps
  /** Record n is at n - 1, also of those that were purged: replicas that are behind still have them. */
  #records: Stored[] = []
  #purges: { readonly atMs: number; readonly first: number }[] = []
  #proposals: Proposal[] = []
  #quorum = true
  #bytes = 0
  maxBytes = 1024 * 1024 * 1024

  constructor(deps: StreamDeps) {
    this.#deps = deps
  }

  get last(): number {
    return this.#records.length
  }
  get first(): number {
    return this.#first(Infinity)
  }
  get bytes(): number {
    return this.#bytes
  }

  append(bytes: Uint8Array, expected: number | undefined, answer: (answer: AppendAnswer) => void): void {
    const size = bytes.length + overhead
    const last = this.last + this.#proposals.length
    if (bytes.length > payloadMost) {
      answer({ kind: 'error', code: tooLarge, text: 'message size exceeds maximum allowed' })
    } else if (expected !== undefined && expected !== last) {
      answer({ kind: 'error', code: wrongLastSequence, text: `wrong last sequence: ${last}` })
    } else if (this.#bytes + size > this.maxBytes) {
      answer({ kind: 'error', code: noRoom, text: 'maximum bytes exceeded' })
    } else {
      const proposal = { bytes, answer }
      this.#proposals.push(proposal)
      const { scheduler, random } = this.#deps
      scheduler.at(scheduler.nowMs + random.between(0.05, 0.6), () => {
        if (this.#quorum) this.#commitUpTo(proposal)
      })
    }
  }

  /** Records `from`, `from` + 1, … as a replica has them that knows what was committed before `asOfMs`. */
  read(from: number, most: number, asOfMs: number): readonly Stored[] {
    const records: Stored[] = []
    for (let at = Math.max(from, this.#first(asOfMs)); records.length < most; at += 1) {
      const stored = this.#records[at - 1]
      if (stored === undefined || stored.committedAtMs > asOfMs) break
      records.push(stored)
    }
    return records
  }

  ends(asOfMs: number): LogEnds {
    const first = this.#first(asOfMs)
    let { last } = this
    while (last >= first && (this.#records[last - 1]?.committedAtMs ?? 0) > asOfMs) last -= 1
    return { first, last, bytes: this.#bytes, maxBytes: this.maxBytes }
  }

  /** Removes the records up to `sequence`, included. */
  purge(sequence: number): void {
    const from = this.#first(Infinity)
    const first = Math.min(sequence, this.last) + 1
    if (first <= from) return
    for (let at = from; at < first; at += 1) this.#bytes -= sizeOf(this.#records[at - 1])
    this.#purges.push({ atMs: this.#deps.scheduler.nowMs, first })
    this.#deps.purged(first)
  }

  /** Without a quorum what is appended gets its place and no answer. */
  loseQuorum(): void {
    this.#quorum = false
  }

  /** `keep`: the leader stayed, and what waited is committed; otherwise another one never heard of it. */
  findQuorum(keep: boolean): void {
    this.#quorum = true
    const newest = this.#proposals.at(-1)
    if (keep && newest !== undefined) this.#commitUpTo(newest)
    this.#proposals = []
  }

  /** The broker ends: what it had not committed is stored or not, and nobody is told. */
  crash(): void {
    const stored = this.#quorum ? this.#proposals.filter(() => this.#deps.random.chance(0.5)) : []
    this.#proposals = stored.slice(0, 1).map(({ bytes }) => ({ bytes, answer: () => undefined }))
    const [first] = this.#proposals
    if (first !== undefined) this.#commitUpTo(first)
    this.#quorum = true
  }

  /** Power was lost before the newest records were on the disk. */
  loseTail(records: number): void {
    const onDisk = this.#records.findLastIndex(
      ({ committedAtMs }) => committedAtMs < this.#deps.scheduler.nowMs - syncedAfterMs,
    )
    const last = Math.max(this.#first(Infinity) - 1, this.last - records, onDisk + 1)
    for (const stored of this.#records.slice(last)) this.#bytes -= sizeOf(stored)
    this.#records = this.#records.slice(0, last)
    this.#deps.cut(last)
  }

  #first(asOfMs: number): number {
    return this.#purges.findLast(({ atMs }) => atMs <= asOfMs)?.first ?? 1
  }

  #commitUpTo(newest: Proposal): void {
    // It may be gone with a leader, or be committed with a later one.
    if (!this.#proposals.includes(newest)) return
    const { scheduler, nowMs, committed } = this.#deps
    for (;;) {
      const proposal = this.#proposals.shift()
      if (proposal === undefined) return
      const { bytes, answer } = proposal
      const sequence = this.last + 1
      const stored = { sequence, storedAtMs: Math.floor(nowMs()), committedAtMs: scheduler.nowMs, bytes }
      this.#records.push(stored)
      this.#bytes += sizeOf(stored)
      committed(stored)
      answer({ kind: 'ack', sequence })
      if (proposal === newest) return
    }
  }
}

function sizeOf(stored: Stored | undefined): number {
  return stored === undefined ? 0 : stored.bytes.length + overhead
}
