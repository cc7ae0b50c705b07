// Snapshots in the simulated broker, and the port SnapshotStore over a link to it.

import type { SnapshotStore } from '../../../src/partition/ports.ts'
import type { Broker } from './broker.ts'
import type { BrokerLink } from './broker-link.ts'

export class Snapshots {
  /** By partition, sequence and part. */
  readonly #parts = new Map<string, Uint8Array>()

  write(partition: number, sequence: number, part: number, bytes: Uint8Array): void {
    this.#parts.set(`${partition}.${sequence}.${part}`, bytes)
  }

  read(partition: number, sequence: number, part: number): Uint8Array | undefined {
    return this.#parts.get(`${partition}.${sequence}.${part}`)
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
  }

  /** The newest parts were not on the disk: of all that there are this share. */
  lose(share: number): void {
    const keys = [...this.#parts.keys()]
    for (const key of keys.slice(Math.floor(keys.length * (1 - share)))) this.#parts.delete(key)
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
