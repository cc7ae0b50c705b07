// One partition in memory: its log as an array, its stored position, and a PartitionReader between the two.

import assert from 'node:assert/strict'
import type { LogRecord } from '@timers/shared/log/record.ts'
import type { LogMessage } from '../src/projection/fold.ts'
import { PartitionReader } from '../src/projection/partition-reader.ts'
import type {
  ProjectedBatch,
  Rebuild,
  StoredPosition,
  TimerRepository,
} from '../src/projection/repository.ts'
import { batchRecord, idsOf, makeTimer } from './events.ts'
import { VirtualClock } from './virtual-clock.ts'

const [id = ''] = idsOf(0, 4, 1)

/** Of one timer. */
export function change(term: string, version: number): LogRecord {
  return batchRecord(term, [{ type: 'updated', timer: makeTimer({ timerId: id, version }) }])
}

export class LogModel {
  readonly clock = new VirtualClock()
  records: (LogRecord | undefined)[] = []
  first = 1
  /** Of the record `sequence`; another log has other times. */
  epochMs = 1000
  stored: StoredPosition | undefined
  batches: ProjectedBatch[] = []
  rebuilds: Rebuild[] = []
  pulls: number[] = []
  afterApply: () => void = () => undefined
  bytes = 10
  /** Asked for from here, the broker has nothing. */
  missing = 0

  create(over = {}): PartitionReader {
    const source = {
      read: (_: number, from: number, most: number) => {
        this.pulls.push(most)
        if (from < this.first && this.first <= this.last) return Promise.reject(new Error('a hole'))
        const messages: LogMessage[] = []
        if (from === this.missing) return Promise.resolve(messages)
        for (let s = from; s <= this.last && messages.length < most; s += 1) messages.push(this.#message(s))
        return Promise.resolve(messages)
      },
      last: () => Promise.resolve(this.last < this.first ? undefined : this.#message(this.last)),
      ends: () => Promise.resolve({ first: this.first, last: this.last }),
    }
    const repository: Pick<TimerRepository, 'position' | 'rebuild' | 'apply'> = {
      position: () => Promise.resolve(this.stored),
      rebuild: (rebuild) => {
        this.rebuilds.push(rebuild)
        const { partition, dataId, first, term } = rebuild
        const place = { sequence: first - 1, term, storedAtMs: undefined }
        this.stored = { partition, dataId, build: `b${this.rebuilds.length}`, endSeenAtMs: 0, ...place }
        return Promise.resolve()
      },
      apply: (batch) => {
        if (this.stored === undefined || this.stored.sequence >= batch.place.sequence)
          return Promise.resolve(false)
        this.batches.push(batch)
        this.stored = { ...this.stored, ...batch.place }
        this.afterApply()
        return Promise.resolve(true)
      },
    }
    return new PartitionReader(
      {
        partition: 0,
        partitionCount: 4,
        dataId: 'a',
        pullBytes: 1000,
        pullRecords: 50,
        batchEvents: 100,
        doubtMs: 0,
        ...over,
      },
      {
        source,
        repository: repository as TimerRepository,
        clock: this.clock,
        decode: ([index = 0, high = 0]) => {
          const record = this.records[index + 256 * high - 1]
          if (record === undefined) throw new Error('not a record')
          return record
        },
        observer: { applied: () => undefined, poisoned: () => undefined, rebuilding: () => undefined },
      },
    )
  }

  get last(): number {
    return this.records.length
  }

  versions(): number[] {
    return this.batches.flatMap(({ events }) => events.map(({ timer }) => timer.version))
  }

  /** The bytes of a message are the number of its record. */
  #message(sequence: number): LogMessage {
    const data = new Uint8Array(this.bytes)
    data.set([sequence % 256, Math.floor(sequence / 256)])
    return { sequence, storedAtMs: this.epochMs + sequence, data }
  }
}

/** Steps until it stands at the end; `again` counts as a step. */
export async function catchUp(reader: PartitionReader): Promise<void> {
  for (let step = 0; step < 500; step += 1) {
    if ((await reader.step(true)) === 'end') return
  }
  assert.fail('it never stands at the end')
}
