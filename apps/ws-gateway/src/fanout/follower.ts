// How one partition's log is followed through a feed that may lose, repeat or delay anything: a record is
// applied only if it is the next one; what is missing is asked for from the log. It does no IO: it is told
// what came and when, and says what it wants.

import type { LogRecord } from '@timers/shared/log/record.ts'
import { TermFilter } from '@timers/shared/log/term-filter.ts'

export interface Sequenced {
  readonly sequence: number
  readonly record: LogRecord
}

export interface FollowerOptions {
  /** Behind the owner's word for longer: what is missing is read from the log. */
  readonly behindMs: number
  /** Behind without a step, or ahead of the owner's word, for longer: the log is not what it was. */
  readonly astrayMs: number
}

export interface FollowerOutput {
  /** The next record that counts. */
  apply(sequence: number, record: LogRecord): void
  /** Records from `from` on are wanted; answered by filled() or fillFailed(), but not after lost(). */
  fill(from: number): void
  /**
   * What is missing can't be had: position and term are forgotten, begin() is awaited. `rewound`: the log
   * has lost its end, so that what was told may never have been.
   */
  lost(rewound: boolean): void
}

/** Keeps the records from here on, until it is released. */
export interface Hold {
  from: number
}

/** Owners are looked at several times a second; who was not for so long was not heard. */
const silenceMs = 1000
/** Bounds of memory: records that came before their turn, and events kept for those who join. */
const pendingMost = 10_000
const recentEventsMost = 20_000

export class Follower {
  readonly #options: FollowerOptions
  readonly #output: FollowerOutput
  #position: number | undefined
  /** Where it may begin: not before what it has seen. */
  #least = 0
  #terms = new TermFilter(undefined)
  /** Came before their turn. All beyond the position. */
  readonly #pending = new Map<number, LogRecord>()
  #filling = false
  #ownerAt = 0
  #lookedAtMs = 0
  #behind: { readonly sequence: number; readonly sinceMs: number } | undefined
  #stuck: { readonly at: number; readonly sinceMs: number } | undefined
  #ahead: { readonly sequence: number; readonly sinceMs: number } | undefined
  readonly #holds = new Set<Hold>()
  /** The records after #recentAfter that count, while anybody holds them. */
  #recent: Sequenced[] = []
  #recentEvents = 0
  #recentAfter = 0

  constructor(options: FollowerOptions, output: FollowerOutput) {
    this.#options = options
    this.#output = output
  }

  /** The last record seen, counting or not; undefined until begin(). */
  get position(): number | undefined {
    return this.#position
  }

  /** As far as the owner's last word. */
  get current(): boolean {
    return this.#position !== undefined && this.#position >= this.#ownerAt
  }

  /**
   * An owner was asked: `term` was in force at `sequence`. Only where there is no position. False = the
   * owner is behind what was seen here already: it is to be asked again.
   */
  begin(sequence: number, term: string): boolean {
    if (sequence < this.#least) return false
    this.#position = sequence
    this.#recentAfter = sequence
    this.#terms = new TermFilter(term)
    for (const early of this.#pending.keys()) if (early <= sequence) this.#pending.delete(early)
    this.#drain()
    return true
  }

  /** From the feed. */
  receive(sequence: number, record: LogRecord): void {
    if (this.#position !== undefined && sequence <= this.#position) return
    if (sequence - 1 === this.#position) {
      this.#advance(sequence, record)
      if (this.#pending.size > 0) this.#drain()
      return
    }
    // Let go of all rather than of some: one hole is as good as many.
    if (this.#pending.size >= pendingMost) this.#pending.clear()
    this.#pending.set(sequence, record)
    if (this.#position !== undefined) this.#fill()
  }

  /** What the log gave, in order; [] = nothing there yet. */
  filled(records: readonly Sequenced[]): void {
    this.#filling = false
    for (const { sequence, record } of records) {
      if (this.#position === undefined || sequence <= this.#position) continue
      if (sequence !== this.#position + 1) {
        this.lose()
        return
      }
      this.#pending.delete(sequence)
      this.#advance(sequence, record)
    }
    this.#drain()
    if (records.length > 0 && !this.current) this.#fill()
  }

  /** It is asked for again at the next look(). */
  fillFailed(): void {
    this.#filling = false
  }

  /** Every now and then: `ownerAt` is the last sequence that the partition's owner told of. */
  look(ownerAt: number, nowMs: number): void {
    this.#ownerAt = ownerAt
    const unheardMs = nowMs - this.#lookedAtMs
    this.#lookedAtMs = nowMs
    const position = this.#position
    if (position === undefined) return
    // After a silence all of these begin anew: what is missing has had no chance to come.
    if (unheardMs > silenceMs) this.#behind = this.#stuck = this.#ahead = undefined
    if (this.#behind !== undefined && position >= this.#behind.sequence) this.#behind = undefined
    if (ownerAt > position) this.#behind ??= { sequence: ownerAt, sinceMs: nowMs }
    if (this.#ahead !== undefined && ownerAt >= this.#ahead.sequence) this.#ahead = undefined
    if (ownerAt < position) this.#ahead ??= { sequence: position, sinceMs: nowMs }
    if (this.#behind === undefined) this.#stuck = undefined
    else if (this.#stuck?.at !== position) this.#stuck = { at: position, sinceMs: nowMs }

    const { behindMs, astrayMs } = this.#options
    if (lasts(this.#ahead, astrayMs, nowMs)) this.lose(true)
    else if (lasts(this.#stuck, astrayMs, nowMs)) this.lose()
    else if (lasts(this.#behind, behindMs, nowMs) || this.#pending.size > 0) this.#fill()
  }

  /** Forgets where it was. */
  lose(rewound = false): void {
    this.#least = rewound ? 0 : (this.#position ?? this.#least)
    this.#position = undefined
    this.#pending.clear()
    this.#filling = false
    this.#behind = undefined
    this.#stuck = undefined
    this.#ahead = undefined
    this.#recent = []
    this.#recentEvents = 0
    // What follows may be another log, with numbers of its own.
    for (const hold of this.#holds) hold.from = 0
    this.#output.lost(rewound)
  }

  hold(): Hold {
    const hold = { from: this.#position ?? 0 }
    this.#holds.add(hold)
    return hold
  }

  release(hold: Hold): void {
    this.#holds.delete(hold)
    const [oldest] = this.#holds
    if (oldest === undefined) {
      this.#recent = []
      this.#recentEvents = 0
      this.#recentAfter = this.#position ?? 0
    } else if (oldest.from > this.#recentAfter) this.#forget(oldest.from)
  }

  /** The held records after `sequence` that count; undefined = it is too old, they are not all there. */
  since(sequence: number): readonly Sequenced[] | undefined {
    if (this.#position === undefined || sequence < this.#recentAfter) return undefined
    return this.#recent.filter((recent) => recent.sequence > sequence)
  }

  #advance(sequence: number, record: LogRecord): void {
    this.#position = sequence
    if (this.#terms.admits(record)) {
      if (this.#holds.size > 0) this.#keep({ sequence, record })
      this.#output.apply(sequence, record)
    }
    if (this.#holds.size === 0) this.#recentAfter = sequence
  }

  #drain(): void {
    while (this.#position !== undefined && this.#pending.size > 0) {
      const record = this.#pending.get(this.#position + 1)
      if (record === undefined) {
        this.#fill()
        return
      }
      this.#pending.delete(this.#position + 1)
      this.#advance(this.#position + 1, record)
    }
  }

  #fill(): void {
    if (this.#filling || this.#position === undefined) return
    this.#filling = true
    this.#output.fill(this.#position + 1)
  }

  #keep(recent: Sequenced): void {
    this.#recent.push(recent)
    this.#recentEvents += eventsIn(recent.record)
    // Half of them at once: who needs those that went asks again.
    const middle = this.#recent[this.#recent.length >> 1]
    if (this.#recentEvents > recentEventsMost && middle !== undefined) this.#forget(middle.sequence)
  }

  /** Of the held records those up to `sequence`. */
  #forget(sequence: number): void {
    this.#recentAfter = sequence
    this.#recent = this.#recent.filter((recent) => recent.sequence > sequence)
    this.#recentEvents = this.#recent.reduce((sum, { record }) => sum + eventsIn(record), 0)
  }
}

function lasts(state: { readonly sinceMs: number } | undefined, forMs: number, nowMs: number): boolean {
  return state !== undefined && nowMs - state.sinceMs >= forMs
}

function eventsIn(record: LogRecord): number {
  return record.body.kind === 'batch' ? record.body.events.length : 1
}
