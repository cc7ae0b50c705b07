// A ledger from a snapshot: its parts, read one after the other until there is no more. Whether they are what was
// written, only the log can tell: the record that names the snapshot has its count and CRC, and the ledger compares.

import type { SnapshotCodec, SnapshotHead, SnapshotPart } from '@timers/shared/log/snapshot.ts'
import { SnapshotFaultError, type Ledger } from '../partition/ledger.ts'
import type { SnapshotStore } from '../partition/ports.ts'

export interface SnapshotSource {
  readonly store: SnapshotStore
  readonly codec: SnapshotCodec
}

export interface LoadDeps {
  readonly snapshots: SnapshotSource
  readonly freshLedger: (head?: SnapshotHead) => Ledger
}

/** Throws a SnapshotFaultError for what cannot be used, and what the store rejects with. */
export async function loadSnapshot(partition: number, sequence: number, deps: LoadDeps): Promise<Ledger> {
  const { store, codec } = deps.snapshots
  let ledger: Ledger | undefined
  let crc = 0
  let coming = store.read(partition, sequence, 0)
  for (let parts = 0; ; parts += 1) {
    const bytes = await coming
    if (bytes === undefined) {
      if (ledger === undefined) throw new SnapshotFaultError(`There is no snapshot at ${sequence}`)
      ledger.restored({ sequence, parts, crc })
      return ledger
    }
    coming = store.read(partition, sequence, parts + 1)
    // If this part is of no use, nobody awaits the next.
    coming.catch(() => undefined)
    crc = codec.crc(bytes, crc)
    try {
      const part = codec.decode(bytes)
      ledger ??= begin(part, sequence, deps)
      ledger.restore(part)
    } catch (error) {
      throw new SnapshotFaultError(`Part ${parts} is not what was written: ${String(error)}`)
    }
  }
}

function begin({ head }: SnapshotPart, sequence: number, { freshLedger }: LoadDeps): Ledger {
  if (head?.sequence !== sequence) {
    throw new SnapshotFaultError(`The first part at ${sequence} is of ${head?.sequence ?? 'no snapshot'}`)
  }
  return freshLedger(head)
}
