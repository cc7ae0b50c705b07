// What one partition's log adds up to: the one way from a record to state, taken by replay and by this
// node's own commits alike. Knows no log and no clock; a record that does not follow the last is refused.

import { recordFormat } from '@timers/shared/log/record.ts'
import { TermFilter } from '@timers/shared/log/term-filter.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import type { TimerEvent } from '@timers/shared/timer/event.ts'
import type { Packing, StoredRecord } from './ports.ts'
import { Repeats } from './repeats.ts'
import { PartitionState } from './state.ts'

/** The log cannot be what the service wrote: nothing may be built on it. */
export class DamagedLogError extends Error {
  override readonly name = 'DamagedLogError'
}

/** Records between two lookings for what may be forgotten. */
const forgetEvery = 256

/** What is to be known of the newest record by whoever takes over after it. */
export interface LastRead {
  readonly term: string
  readonly storedAtMs: number
  /** Its owner has given the partition up with it. */
  readonly releases: boolean
}

export interface LedgerOptions {
  readonly partition: number
  readonly partitionCount: number
  readonly dataId: string
}

export class Ledger {
  readonly state: PartitionState
  readonly repeats = new Repeats()
  readonly #filter = new TermFilter(undefined)
  readonly #options: LedgerOptions
  #owner: string | undefined
  #lastRead: LastRead | undefined

  constructor(options: LedgerOptions, packing: Packing) {
    this.#options = options
    this.state = new PartitionState(packing)
  }

  get partition(): number {
    return this.#options.partition
  }
  get sequence(): number {
    return this.state.sequence
  }

  /** The term in force, and whose it is; undefined in an empty log. */
  get term(): string | undefined {
    return this.#filter.term
  }
  get owner(): string | undefined {
    return this.#owner
  }

  /** The newest record, if it was read: undefined when it is our own and was acknowledged. */
  get lastRead(): LastRead | undefined {
    return this.#lastRead
  }

  /** Records that did not count because their writer no longer owned the partition. */
  get skipped(): number {
    return this.#filter.skipped
  }

  /** A record of our own, whose commands were looked at when they came: the events it brought. */
  apply(stored: Pick<StoredRecord, 'sequence' | 'record'>): readonly TimerEvent[] {
    this.#lastRead = undefined
    return this.#take(stored, false)
  }

  /** A record that was read, whoever wrote it: the events it brought; none of one that does not count. */
  replay(stored: StoredRecord): readonly TimerEvent[] {
    const events = this.#take(stored, true)
    const { storedAtMs, record } = stored
    const releases = record.body.kind === 'release' && record.term === this.term
    this.#lastRead = { term: record.term, storedAtMs, releases }
    return events
  }

  #take(
    { sequence, record }: Pick<StoredRecord, 'sequence' | 'record'>,
    wasRead: boolean,
  ): readonly TimerEvent[] {
    if (sequence !== this.state.sequence + 1) {
      throw new Error(`Record ${sequence} does not follow ${this.state.sequence}`)
    }
    if (record.format > recordFormat) {
      throw new DamagedLogError(
        `Record ${sequence} has format ${record.format}; this build knows ${recordFormat}`,
      )
    }
    const counts = this.#filter.admits(record)
    const events = counts ? this.#applyBody(sequence, record, wasRead) : []
    this.state.sequence = sequence
    return events
  }

  #applyBody(
    sequence: number,
    { body, owner }: StoredRecord['record'],
    wasRead: boolean,
  ): readonly TimerEvent[] {
    if (body.kind === 'takeover') {
      if (body.dataId !== this.#options.dataId || body.partitionCount !== this.#options.partitionCount) {
        throw new DamagedLogError(`Record ${sequence} was written for other data: ${body.dataId}`)
      }
      this.#owner = owner
    }
    if (body.kind !== 'batch') return []
    const { partition, partitionCount } = this.#options
    for (const event of body.events) {
      const { tenantId, timerId } = event.timer
      if (wasRead && partitionOf(tenantId, timerId, partitionCount) !== partition) {
        throw new DamagedLogError(`Record ${sequence} holds a timer that hashes elsewhere`)
      }
      this.state.apply(event)
      this.repeats.keep(event.session, event.n, event.type, event.timer, sequence, body.nowMs)
    }
    // A replay of years must not remember them: what is old by the log's own time is forgotten on the way.
    if (sequence % forgetEvery === 0) this.repeats.forgetExpired(body.nowMs)
    return body.events
  }
}
