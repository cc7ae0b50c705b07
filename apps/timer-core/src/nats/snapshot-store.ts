// Snapshots as messages of one stream, a message a part. It knows nothing of what is in them, and must never be
// given the log's connection: a snapshot of many megabytes would stand before the appends.

import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { subjects } from '@timers/shared/subjects.ts'
import type { ClusterRecord } from '@timers/shared/nats/cluster-record.ts'
import { ReaderPositions } from '@timers/shared/nats/reader-positions.ts'
import { snapshotCodec } from '@timers/shared/wire/snapshot-wire.ts'
import type { SnapshotStore } from '../partition/ports.ts'
import type { SnapshotParts } from '../snapshot/keeper.ts'
import { SnapshotLane } from '../snapshot/lane.ts'
import { snapshotRules } from '../snapshot/rules.ts'

const callMs = 1000

/** All that the partitions of one node need for their snapshots. */
export function createSnapshotParts(
  { dataId, replicas }: ClusterRecord,
  deps: { readonly connection: NatsConnection },
): SnapshotParts {
  const positions = new ReaderPositions({ replicas }, deps)
  return {
    store: createSnapshotStore(deps),
    codec: snapshotCodec,
    readers: { least: (partition) => positions.least(partition, dataId) },
    lane: new SnapshotLane(),
    rules: snapshotRules,
  }
}

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
