// Snapshots as messages of one stream, a message a part. It knows nothing of what is in them, and must never be
// given the log's connection: a snapshot of many megabytes would stand before the appends.

import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { subjects } from '@timers/shared/subjects.ts'
import type { SnapshotStore } from '../partition/ports.ts'

const callMs = 1000

export function createSnapshotStore(deps: { readonly connection: NatsConnection }): SnapshotStore {
  const client = jetstream(deps.connection, { timeout: callMs })
  const manager = jetstreamManager(deps.connection, { timeout: callMs, checkAPI: false })
  const stream = subjects.snapshotStream
  return {
    async write(partition, sequence, part, bytes) {
      const subject = subjects.snapshotPart(partition, sequence, part)
      await client.publish(subject, bytes, { expect: { streamName: stream }, timeout: callMs })
    },
    async read(partition, sequence, part) {
      const { direct } = await manager
      const query = { last_by_subj: subjects.snapshotPart(partition, sequence, part) }
      const message = await direct.getMessage(stream, query)
      return message?.data
    },
    async list(partition) {
      const sequences = new Set<number>()
      for (const subject of await subjectsOf(await manager, partition)) {
        sequences.add(Number(subject.split('.')[3]))
      }
      return [...sequences].sort((one, other) => one - other)
    },
    async remove(partition, sequence) {
      const { streams } = await manager
      await streams.purge(stream, { filter: subjects.partsOfSnapshot(partition, sequence) })
    },
  }
}

async function subjectsOf({ streams }: JetStreamManager, partition: number): Promise<string[]> {
  const filter = subjects.snapshotsOf(partition)
  const { state } = await streams.info(subjects.snapshotStream, { subjects_filter: filter })
  return Object.keys(state.subjects ?? {})
}
