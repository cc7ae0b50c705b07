// Reads one partition's log in order and hands it to the read model, a bounded pull at a time. After any failure it
// trusts nothing it remembers: the next step starts from the stored position. It never waits or retries by itself.

import type { ClusterClock } from '@timers/shared/clock.ts'
import type { LogRecord } from '@timers/shared/log/record.ts'
import { recordFormat } from '@timers/shared/log/record.ts'
import { TermFilter } from '@timers/shared/log/term-filter.ts'
import { fold } from './fold.ts'
import type { Folded, FoldOptions, LogMessage } from './fold.ts'
import { whereToStart } from './position-rule.ts'
import type { StoredPosition, TimerRepository } from './repository.ts'

export interface LogSource {
  /** At most `most` messages from `from` on, contiguous; [] = nothing there yet. Throws for a hole. */
  read(partition: number, from: number, most: number): Promise<readonly LogMessage[]>
  last(partition: number): Promise<LogMessage | undefined>
  ends(partition: number): Promise<{ readonly first: number; readonly last: number }>
}

export interface ReaderObserver {
  applied(folded: Folded): void
  poisoned(partition: number, sequence: number, reason: string): void
  rebuilding(partition: number, why: string, first: number): void
}

export interface ReaderOptions {
  readonly partition: number
  readonly partitionCount: number
  readonly dataId: string
  /** Bytes a pull should stay below, judged by the size of the records of the pull before. */
  readonly pullBytes: number
  readonly pullRecords: number
  /** Events that are written in one go. */
  readonly batchEvents: number
  /** What is doubtful must stay so for as long before anything is built anew. */
  readonly doubtMs: number
}

export interface ReaderDeps {
  readonly source: LogSource
  readonly repository: TimerRepository
  readonly clock: ClusterClock
  readonly decode: (data: Uint8Array) => LogRecord
  readonly observer: ReaderObserver
}

/** `more`: ask again at once. `end`: the log's end was reached. `again`: somewhat later. */
export type StepOutcome = 'more' | 'end' | 'again'

export class PartitionReader {
  readonly #options: ReaderOptions
  readonly #foldOptions: FoldOptions
  readonly #deps: ReaderDeps
  #position: StoredPosition | undefined
  #trusted = false
  #filter = new TermFilter(undefined)
  #pull = 16
  #doubtedAtMs: number | undefined

  constructor(options: ReaderOptions, deps: ReaderDeps) {
    this.#options = options
    this.#foldOptions = { ...options, format: recordFormat, eventsMost: options.batchEvents }
    this.#deps = deps
  }

  /** As last known to be stored, but for `endSeenAtMs`, which is this reader's own; undefined before the first step. */
  get position(): StoredPosition | undefined {
    return this.#position
  }

  /** `expectNews` false: looks first whether the log still ends where it was read to. */
  async step(expectNews: boolean): Promise<StepOutcome> {
    const known = this.#trusted ? this.#position : undefined
    this.#trusted = false
    const position = known ?? (await this.#find())
    if (position === undefined) return 'more'
    return await (expectNews ? this.#readOn(position) : this.#look(position))
  }

  async #look(position: StoredPosition): Promise<StepOutcome> {
    const { clock, source } = this.#deps
    const atMs = clock.nowMs()
    const last = await source.last(position.partition)
    const end = last?.sequence ?? 0
    if (end > position.sequence) return await this.#readOn(position)
    const same = position.storedAtMs === undefined || last?.storedAtMs === position.storedAtMs
    if (end < position.sequence || !same) return 'again' // Not trusted any more: the rule decides.
    return this.#standAtEnd(position, atMs)
  }

  async #readOn(start: StoredPosition): Promise<StepOutcome> {
    const { clock, source, repository, decode, observer } = this.#deps
    const { partition, dataId, build } = start
    const atMs = clock.nowMs()
    let messages = await source.read(partition, start.sequence + 1, this.#pull)
    if (messages.length === 0) return this.#standAtEnd(start, atMs)
    this.#pull = this.#nextPull(messages)
    let position = start
    while (messages.length > 0) {
      const folded = fold(this.#foldOptions, this.#filter, messages, decode)
      if (folded.skipped > 0 && !(await this.#isStillThere(position))) return 'again'
      if (!(await repository.apply({ ...folded, partition, dataId, build }))) return 'again'
      position = { ...position, ...folded.place }
      messages = messages.slice(folded.taken)
      observer.applied(folded)
      for (const { sequence, reason } of folded.poison) observer.poisoned(partition, sequence, reason)
    }
    this.#position = position
    this.#trusted = true
    return 'more'
  }

  #standAtEnd(position: StoredPosition, atMs: number): StepOutcome {
    this.#position = { ...position, endSeenAtMs: Math.max(position.endSeenAtMs, atMs) }
    this.#trusted = true
    return 'end'
  }

  /**
   * A record of a term never seen may mean that the log lost its tail and grew again, with another Takeover where
   * this reader has been already.
   */
  async #isStillThere(position: StoredPosition): Promise<boolean> {
    if (position.storedAtMs === undefined) return true
    const [message] = await this.#deps.source.read(position.partition, position.sequence, 1)
    return message?.storedAtMs === position.storedAtMs
  }

  /** Undefined: the partition is being rebuilt, look again. */
  async #find(): Promise<StoredPosition | undefined> {
    const { source, repository, observer } = this.#deps
    const { partition, dataId } = this.#options
    const stored = await repository.position(partition)
    const ends = await source.ends(partition)
    const first = Math.max(1, ends.first)
    const markAtMs = stored === undefined ? undefined : await this.#markOf(stored, first, ends.last)
    const start = whereToStart(stored, { dataId, first, last: ends.last, markAtMs })
    if (start.kind === 'rebuild' && start.doubtful) this.#insist(start.why)
    this.#doubtedAtMs = undefined
    if (start.kind === 'continue') {
      this.#filter = new TermFilter(start.position.term)
      return start.position
    }
    observer.rebuilding(partition, start.why, start.first)
    await repository.rebuild({
      partition,
      dataId,
      first: start.first,
      clearFrom: start.why === 'other data' ? 0 : start.first,
      term: await this.#termAt(start.first, ends.last),
      gap: start.gap,
      replaces: stored?.build,
    })
    return undefined
  }

  async #markOf(
    { partition, sequence }: StoredPosition,
    first: number,
    last: number,
  ): Promise<number | undefined> {
    if (sequence < first || sequence > last) return undefined
    const [message] = await this.#deps.source.read(partition, sequence, 1)
    if (message === undefined)
      throw new Error(`record ${sequence} of partition ${partition} is not to be had`)
    return message.storedAtMs
  }

  /** Throws until it has been asked for `doubtMs`. */
  #insist(why: string): void {
    const nowMs = this.#deps.clock.nowMs()
    this.#doubtedAtMs ??= nowMs
    if (nowMs - this.#doubtedAtMs < this.#options.doubtMs) throw new Error(`${why}, it seems; looking again`)
  }

  /** Of a log that was cut at its front the Takeover in force is gone: the term of what is left stands for it. */
  async #termAt(first: number, last: number): Promise<string | undefined> {
    if (first === 1 || first > last) return undefined
    const [message] = await this.#deps.source.read(this.#options.partition, first, 1)
    return message === undefined ? undefined : this.#deps.decode(message.data).term
  }

  #nextPull(messages: readonly LogMessage[]): number {
    let bytes = 1
    for (const { data } of messages) bytes += data.length
    const fitting = Math.floor((this.#options.pullBytes * messages.length) / bytes)
    return Math.min(this.#options.pullRecords, Math.max(1, fitting))
  }
}
