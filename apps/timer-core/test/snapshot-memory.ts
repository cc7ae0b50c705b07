// Snapshots in memory, which a test may look into and break.

import { snapshotCodec } from '@timers/shared/wire/snapshot-wire.ts'
import type { SnapshotStore } from '../src/partition/ports.ts'
import type { SnapshotParts } from '../src/snapshot/keeper.ts'
import { SnapshotLane } from '../src/snapshot/lane.ts'
import { snapshotRules } from '../src/snapshot/rules.ts'

export class SnapshotMemory implements SnapshotStore {
  readonly parts = new Map<string, Uint8Array>()

  get source(): SnapshotParts {
    return {
      store: this,
      codec: snapshotCodec,
      readers: { least: () => Promise.resolve(Infinity) },
      lane: new SnapshotLane(),
      rules: snapshotRules,
    }
  }

  write(partition: number, sequence: number, part: number, bytes: Uint8Array): Promise<void> {
    this.parts.set(`${partition}.${sequence}.${part}`, bytes)
    return Promise.resolve()
  }
  read(partition: number, sequence: number, part: number): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.parts.get(`${partition}.${sequence}.${part}`))
  }
  list(partition: number): Promise<number[]> {
    const all = [...this.parts.keys()].map((name) => name.split('.').map(Number))
    const sequences = all.flatMap(([of, sequence = 0]) => (of === partition ? [sequence] : []))
    return Promise.resolve([...new Set(sequences)].sort((one, other) => one - other))
  }
  remove(partition: number, sequence: number): Promise<void> {
    for (const name of this.parts.keys()) {
      if (name.startsWith(`${partition}.${sequence}.`)) this.parts.delete(name)
    }
    return Promise.resolve()
  }
}
