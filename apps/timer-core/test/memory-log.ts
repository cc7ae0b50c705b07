// A partition and its log in memory, for tests on a clock that goes on by hand.

import type { LogRecord } from '@timers/shared/log/record.ts'
import { Partition } from '../src/partition/partition.ts'
import type {
  AppendOutcome,
  LogEnds,
  PartitionDeps,
  PartitionLog,
  StoredRecord,
} from '../src/partition/ports.ts'
import { Turns } from '../src/partition/turns.ts'
import { SnapshotMemory } from './snapshot-memory.ts'
import { packing } from './timers.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** A log that stores at once; its answers may be held. */
export class MemoryLog implements PartitionLog {
  readonly stored: StoredRecord[] = []
  readonly #clock: VirtualClock
  /** Appends are not answered before it settles. */
  answers: Promise<void> = Promise.resolve()
  /** Says no to all. */
  isFull = false
  /** Says nothing. */
  isSilent = false
  /** Its clock may be another. */
  aheadMs = 0

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }
  get kinds(): string[] {
    return this.stored.map(({ record }) => record.body.kind)
  }
  store(record: LogRecord): void {
    const storedAtMs = this.#clock.nowMs() + this.aheadMs
    this.stored.push({ sequence: this.stored.length + 1, storedAtMs, record })
  }
  connectionId(): number {
    return 1
  }
  async append(record: LogRecord, expected: number): Promise<AppendOutcome> {
    if (this.isSilent) {
      await this.#timeout()
      return { kind: 'unknown', detail: 'timeout' }
    }
    if (this.isFull) return { kind: 'refused', reason: 'full', detail: 'full' }
    const isNext = expected === this.stored.length
    if (isNext) this.store(record)
    await this.answers
    return isNext
      ? { kind: 'committed', sequence: expected + 1, bytes: 100 }
      : { kind: 'unknown', detail: 'sequence' }
  }
  read(from: number, most: number): Promise<StoredRecord[]> {
    return Promise.resolve(this.stored.slice(from - 1, from - 1 + most))
  }
  last(): Promise<StoredRecord | undefined> {
    return Promise.resolve(this.stored.at(-1))
  }
  purge(): Promise<void> {
    return Promise.reject(new Error('nothing is purged here'))
  }
  async ends(): Promise<LogEnds> {
    if (this.isSilent) {
      await this.#timeout()
      throw new Error('timeout')
    }
    return { first: 1, last: this.stored.length, bytes: 0, maxBytes: Infinity }
  }
  #timeout(): Promise<void> {
    return new Promise((resolve) => this.#clock.after(1000, resolve))
  }
}

/** The only partition of its cluster. */
export function openPartition(
  node: string,
  log: MemoryLog,
  clock: VirtualClock,
  more: Partial<PartitionDeps> = {},
): Partition {
  let terms = 0
  const nothing = (): void => undefined
  return new Partition(
    { node, partition: 0, partitionCount: 1, dataId: 'd' },
    {
      log,
      clock,
      turns: new Turns({ clock }),
      random: () => 0.5,
      newTerm: () => `${node}-${(terms += 1)}`,
      packing,
      snapshots: new SnapshotMemory().source,
      observer: { appended: nothing, fired: nothing, tookOver: nothing, trouble: nothing },
      mine: () => true,
      ended: nothing,
      applied: nothing,
      ...more,
    },
  )
}
