// Snapshots in the simulated broker, and the port SnapshotStore over a link to it.

import type { SnapshotStore } from '../../../src/partition/ports.ts'
import type { Broker } from './broker.ts'
import type { BrokerLink } from './broker-link.ts'
import type { Scheduler } from './scheduler.ts'
import { syncedAfterMs } from './stream.ts'

interface Part {
  readonly bytes: Uint8Array
  readonly writtenAtMs: number
}

export class Snapshots {
  readonly #scheduler: Scheduler
  readonly #removed: (partition: number, sequence: number) => void
  /** By partition, sequence and part. */
  readonly #parts = new Map<string, Part>()

  constructor(deps: {
    readonly scheduler: Scheduler
    readonly removed: (partition: number, sequence: number) => void
  }) {
    this.#scheduler = deps.scheduler
    this.#removed = deps.removed
  }

  write(partition: number, sequence: number, part: number, bytes: Uint8Array): void {
    this.#parts.set(`${partition}.${sequence}.${part}`, { bytes, writtenAtMs: this.#scheduler.nowMs })
  }

  read(partition: number, sequence: number, part: number): Uint8Array | undefined {
    return this.#parts.get(`${partition}.${sequence}.${part}`)?.bytes
  }

  list(partition: number): number[] {
    const sequences = new Set<number>()
    for (const key of this.#parts.keys()) {
      const [of, sequence] = key.split('.')
      if (of === String(partition)) sequences.add(Number(sequence))
    }
    return [...sequences].sort((one, other) => one - other)
  }

  remove(partition: number, sequence: number): void {
    for (const key of this.#parts.keys())
      if (key.startsWith(`${partition}.${sequence}.`)) this.#parts.delete(key)
    this.#removed(partition, sequence)
  }

  /** Power was lost before they were on the disk. */
  loseNewest(): void {
    const sinceMs = this.#scheduler.nowMs - syncedAfterMs
    for (const [key, { writtenAtMs }] of this.#parts) if (writtenAtMs > sinceMs) this.#parts.delete(key)
  }
}

export function createMemorySnapshots(deps: {
  readonly broker: Broker
  readonly link: BrokerLink
}): SnapshotStore {
  const { link } = deps
  const { snapshots } = deps.broker
  return {
    write: (partition, sequence, part, bytes) =>
      link.request((answer) => {
        snapshots.write(partition, sequence, part, bytes)
        answer(undefined)
      }),
    read: (partition, sequence, part) =>
      link.request((answer) => {
        answer(snapshots.read(partition, sequence, part))
      }),
    list: (partition) =>
      link.request((answer) => {
        answer(snapshots.list(partition))
      }),
    remove: (partition, sequence) =>
      link.request((answer) => {
        snapshots.remove(partition, sequence)
        answer(undefined)
      }),
  }
}
