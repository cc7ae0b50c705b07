// What one partition's log adds up to: the one way from a record to state, taken by replay and by this
// node's own commits alike. Knows no log and no clock; a record that does not follow the last is refused.

import { recordFormat, type RecordBody } from '@timers/shared/log/record.ts'
import { snapshotFormat, type SnapshotHead, type SnapshotPart } from '@timers/shared/log/snapshot.ts'
import { TermFilter } from '@timers/shared/log/term-filter.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import type { TimerEvent } from '@timers/shared/timer/event.ts'
import { AnsweredKeys } from './answered-keys.ts'
import type { Packing, StoredRecord } from './ports.ts'
import { Repeats } from './repeats.ts'
import { PartitionState } from './state.ts'

/** The log cannot be what the service wrote: nothing may be built on it. */
export class DamagedLogError extends Error {
  override readonly name = 'DamagedLogError'
}

/** A snapshot that cannot be used: it is not what the log names, or not of this log. The one before may do. */
export class SnapshotFaultError extends Error {
  override readonly name = 'SnapshotFaultError'
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

/** A snapshot as it is named by the log, or has been read. */
export interface NamedSnapshot {
  readonly sequence: number
  readonly parts: number
  readonly crc: number
}

export class Ledger {
  readonly state: PartitionState
  readonly repeats = new Repeats()
  readonly answered = new AnsweredKeys()
  readonly #filter: TermFilter
  readonly #options: LedgerOptions
  readonly #packing: Packing
  #owner: string | undefined
  #lastRead: LastRead | undefined
  #lastTerm: string | undefined
  #snapshotAt = 0
  #snapshotBefore = 0
  /** What was read of snapshots, until the log is found to name it. */
  #unnamed: NamedSnapshot | undefined

  /** `head`: of the snapshot it begins with; restore() and restored() have to follow before any record does. */
  constructor(options: LedgerOptions, packing: Packing, head?: SnapshotHead) {
    this.#options = options
    this.#packing = packing
    this.state = new PartitionState(packing)
    this.#filter = new TermFilter(head?.term)
    if (head === undefined) return
    this.#check(head)
    this.#owner = head.owner
    this.#snapshotAt = head.before
    this.state.sequence = head.sequence
    this.state.versionFloor = head.versionFloor
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

  /** Under which the newest record was written, whether it counts or not; undefined when none was read. */
  get lastTerm(): string | undefined {
    return this.#lastTerm
  }

  /** The position of the newest snapshot that the log names, and of the one before; 0 without one. */
  get snapshotAt(): number {
    return this.#snapshotAt
  }
  get snapshotBefore(): number {
    return this.#snapshotBefore
  }

  /** False: it stands on a snapshot that no record has named yet, and is not to be believed. */
  get isNamed(): boolean {
    return this.#unnamed === undefined
  }

  /** What a snapshot that is begun now says of itself. */
  head(): SnapshotHead {
    const { dataId, partition, partitionCount } = this.#options
    return {
      format: snapshotFormat,
      dataId,
      partition,
      partitionCount,
      sequence: this.sequence,
      term: this.term,
      owner: this.#owner,
      versionFloor: this.state.versionFloor,
      before: this.#snapshotAt,
    }
  }

  restore({ timers, sessions, results, answered }: SnapshotPart): void {
    for (const item of timers) {
      const { tenantId, timerId } = this.state.restore(item)
      if (this.#hashesElsewhere(tenantId, timerId)) {
        throw new SnapshotFaultError('It holds a timer that hashes elsewhere')
      }
    }
    for (const session of sessions) this.repeats.restoreSession(session)
    for (const result of results) this.repeats.restoreResult(result, this.#packing.unpack(result.packed))
    for (const key of answered) this.answered.restore(key)
  }

  /** All parts were restored. The log is to name them. */
  restored(snapshot: NamedSnapshot): void {
    this.#unnamed = snapshot
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
    const { storedAtMs, record } = stored
    let events
    try {
      events = this.#take(stored, true)
    } catch (bug) {
      if (bug instanceof DamagedLogError || bug instanceof SnapshotFaultError) throw bug
      throw new DamagedLogError(`Record ${stored.sequence} cannot be applied: ${String(bug)}`, { cause: bug })
    }
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
    this.#lastTerm = record.term
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
    if (body.kind === 'snapshotTaken') this.#nameSnapshot(body)
    if (body.kind !== 'batch') return []
    for (const event of body.events) {
      if (wasRead && this.#hashesElsewhere(event.timer.tenantId, event.timer.timerId)) {
        throw new DamagedLogError(`Record ${sequence} holds a timer that hashes elsewhere`)
      }
      this.state.apply(event)
      this.repeats.keep(event.session, event.n, event.type, event.timer, sequence, body.nowMs)
    }
    for (const key of body.answered ?? []) this.answered.add(key, body.nowMs)
    // A replay of years must not remember them: what is old by the log's own time is forgotten on the way.
    if (sequence % forgetEvery === 0) this.forgetExpired(body.nowMs)
    return body.events
  }

  /** Call it now and then. */
  forgetExpired(nowMs: number): void {
    this.repeats.forgetExpired(nowMs)
    this.answered.forgetExpired(nowMs)
  }

  #nameSnapshot({ sequence, parts, crc }: Extract<RecordBody, { kind: 'snapshotTaken' }>): void {
    const read = this.#unnamed
    if (read?.sequence === sequence) {
      if (read.parts !== parts || read.crc !== crc) {
        throw new SnapshotFaultError(`Read ${read.parts} parts of CRC ${read.crc}, not ${parts} of ${crc}`)
      }
      this.#unnamed = undefined
    }
    this.#snapshotBefore = this.#snapshotAt
    this.#snapshotAt = sequence
  }

  #hashesElsewhere(tenantId: string, timerId: string): boolean {
    const { partition, partitionCount } = this.#options
    return partitionOf(tenantId, timerId, partitionCount) !== partition
  }

  #check(head: SnapshotHead): void {
    const { dataId, partition, partitionCount } = this.#options
    if (head.format > snapshotFormat) throw new SnapshotFaultError(`It has format ${head.format}`)
    if (head.dataId !== dataId || head.partition !== partition || head.partitionCount !== partitionCount) {
      throw new SnapshotFaultError(`It is of other data: ${head.dataId}`)
    }
  }
}
