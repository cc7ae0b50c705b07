// Partitions, owners, feed and log in memory, for tests of the fan-out: nothing arrives before the test
// lets it, and anything may be late, lost or refused.

import type { ViewerMessage } from '@timers/shared/cluster/live.ts'
import { RefusalError } from '@timers/shared/errors.ts'
import type { LogRecord, RecordEvent } from '@timers/shared/log/record.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import type { EventType } from '@timers/shared/timer/event.ts'
import type { ScanPage } from '@timers/shared/timer/results.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'
import type { Sequenced } from '../src/fanout/follower.ts'
import type { FeedListener, FeedPort, LogPort, ScanPort, ScanRequest } from '../src/fanout/ports.ts'

export const tenantId = 'default'

/** A timer as tests need it: its state by its version alone. */
export function makeTimer(
  timerId: string,
  version: number,
  state: 'running' | 'paused' | 'completed',
  tenant = tenantId,
): Timer {
  const base = {
    tenantId: tenant,
    timerId,
    version,
    title: `v${version}`,
    durationMs: 60_000,
    labels: {},
    metadata: '',
    retentionMs: 1000,
    createdAtMs: 1_700_000_000_000,
    updatedAtMs: 1_700_000_000_000 + version,
  }
  if (state === 'running') {
    return {
      ...base,
      state,
      remainingMs: null,
      deadlineMs: 1_700_000_060_000,
      completedAtMs: null,
      completedBy: null,
    }
  }
  if (state === 'paused') {
    return { ...base, state, remainingMs: 5000, deadlineMs: null, completedAtMs: null, completedBy: null }
  }
  return {
    ...base,
    state,
    remainingMs: 0,
    deadlineMs: 1_700_000_060_000,
    completedAtMs: 1_700_000_060_001,
    completedBy: 'fire',
  }
}

export function eventOf(type: EventType, timer: Timer): RecordEvent {
  const cause = {
    actor: { type: 'operator', id: 'local' },
    requestId: `r-${timer.timerId}-${timer.version}`,
  } as const
  return { type, timer, cause, session: '', n: 0 }
}

export function batchOf(term: string, ...events: RecordEvent[]): LogRecord {
  return {
    format: 1,
    term,
    owner: 'core-1',
    snapshotAt: 0,
    body: { kind: 'batch', nowMs: 1_700_000_000_000, events },
  }
}

export function takeoverOf(term: string): LogRecord {
  const body = { kind: 'takeover', dataId: 'data', partitionCount: 2 } as const
  return { format: 1, term, owner: 'core-1', snapshotAt: 0, body }
}

/** What waits for the test's permission; `refuse` makes it fail as a lost call would. */
export interface Waiting {
  readonly what: 'page' | 'read' | 'flush'
  readonly proceed: () => void
  readonly refuse: () => void
}

export class MemoryPartition {
  readonly records: Sequenced[] = []
  /** The log's first record; what was before is trimmed. */
  first = 1
  /** What its owner has applied: it may lag behind the log. */
  applied = 0
  readonly timers = new Map<string, Timer>()
  term = ''
  listener: FeedListener | undefined
  /** Republished, not delivered. */
  readonly inFlight: Sequenced[] = []
  /** Of the owner's last heartbeat. */
  told: number | undefined
  heardAtMs: number | undefined

  get last(): number {
    return this.records.length
  }

  append(record: LogRecord): void {
    const sequenced = { sequence: this.records.length + 1, record }
    this.records.push(sequenced)
    if (this.listener !== undefined) this.inFlight.push(sequenced)
  }

  apply(): void {
    const next = this.records[this.applied]
    if (next === undefined) return
    this.applied += 1
    const { term, body } = next.record
    if (body.kind === 'takeover') this.term = term
    if (term !== this.term || body.kind !== 'batch') return
    for (const { type, timer } of body.events) {
      const key = `${timer.tenantId}/${timer.timerId}`
      if (type === 'deleted') this.timers.delete(key)
      else this.timers.set(key, timer)
    }
  }

  /** The log ends at `last` again, and its owner has only what is there. */
  rewind(last: number): void {
    this.records.length = last
    this.timers.clear()
    this.term = ''
    this.applied = 0
    while (this.applied < this.last) this.apply()
  }

  /** Its owner lives: it has applied what is in the log, and says so. */
  heartbeat(nowMs: number): void {
    while (this.applied < this.last) this.apply()
    this.told = this.applied
    this.heardAtMs = nowMs
  }
}

export class World implements FeedPort, LogPort, ScanPort {
  readonly partitions: readonly MemoryPartition[]
  readonly waiting: Waiting[] = []
  /** Timers in one page of a scan; records in one read. */
  pageTimers = 2
  reads = 0
  /** Messages to all viewers of a tenant. */
  tell: ((message: ViewerMessage) => void) | undefined
  scans = 0

  constructor(partitionCount: number) {
    this.partitions = Array.from({ length: partitionCount }, () => new MemoryPartition())
  }

  partition(at: number): MemoryPartition {
    const partition = this.partitions[at]
    if (partition === undefined) throw new Error(`no partition ${at}`)
    return partition
  }

  of(timerId: string, tenant = tenantId): MemoryPartition {
    return this.partition(partitionOf(tenant, timerId, this.partitions.length))
  }

  // What the hub sees.

  follow(at: number, listener: FeedListener): Disposable {
    const partition = this.partition(at)
    partition.listener = listener
    return {
      [Symbol.dispose]() {
        partition.listener = undefined
        partition.inFlight.length = 0
      },
    }
  }

  followTenants(onMessage: (message: ViewerMessage) => void): Disposable {
    this.tell = onMessage
    return { [Symbol.dispose]: () => (this.tell = undefined) }
  }

  async flushed(): Promise<void> {
    await this.#permission('flush')
  }

  async read(at: number, from: number): Promise<readonly Sequenced[] | 'lost'> {
    this.reads += 1
    await this.#permission('read')
    const { first, records } = this.partition(at)
    return from < first ? 'lost' : records.slice(from - 1, from + 1)
  }

  async *scan({
    tenantId: tenant,
    partitions,
    selection,
    limit,
  }: ScanRequest): AsyncGenerator<ScanPage, void, void> {
    this.scans += 1
    let left = limit
    for (const at of partitions) {
      await this.#permission('page')
      const partition = this.partition(at)
      if (partition.term === '') throw new RefusalError({ code: 'unavailable', detail: 'no owner' })
      const { applied: sequence, term } = partition
      const ids = [...partition.timers.values()]
        .filter((timer) => timer.tenantId === tenant)
        .map((timer) => timer.timerId)
      const wanted = ids
        .filter((id) =>
          'timerIds' in selection
            ? selection.timerIds.includes(id)
            : 'all' in selection || id.startsWith(selection.prefix),
        )
        .sort()
      for (let from = 0; from < wanted.length; from += this.pageTimers) {
        const page = wanted.slice(from, from + this.pageTimers)
        const timers = page.flatMap((id) => partition.timers.get(`${tenant}/${id}`) ?? [])
        left -= timers.length
        if (left < 0) throw new RefusalError({ code: 'quota_exceeded', detail: 'too many' })
        yield { partition: at, sequence, term, timers, more: true }
        await this.#permission('page')
      }
      yield { partition: at, sequence, term, timers: [], more: false }
    }
  }

  sequenceOf(at: number, nowMs: number): number | undefined {
    const { told, heardAtMs } = this.partition(at)
    return heardAtMs !== undefined && nowMs - heardAtMs < 1500 ? told : undefined
  }

  ownerHeardAtMs(at: number): number | undefined {
    return this.partition(at).heardAtMs
  }

  #permission(what: Waiting['what']): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        what,
        proceed: () => {
          leave()
          resolve()
        },
        refuse: () => {
          leave()
          reject(
            what === 'page' ? new RefusalError({ code: 'unavailable', detail: 'lost' }) : new Error('lost'),
          )
        },
      }
      const leave = (): void => {
        this.waiting.splice(this.waiting.indexOf(waiting), 1)
      }
      this.waiting.push(waiting)
    })
  }
}

/** Lets everything go on that only waits for promises. */
export function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
