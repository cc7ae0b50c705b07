// Makes the cluster once: its record, then a stream for each partition, then `ready`. What does not fit together
// is refused: a stream that is missing, or one without a record, is somebody's lost data.

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  DiscardPolicy,
  JetStreamApiError,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream'
import { Kvm, type KV } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { recordFormat } from '@timers/shared/log/record.ts'
import type { Logger } from '@timers/shared/logger.ts'
import {
  ClusterRecordError,
  readClusterRecord,
  type ClusterRecord,
} from '@timers/shared/nats/cluster-record.ts'
import { persistenceReader, ReaderPositions } from '@timers/shared/nats/reader-positions.ts'
import { subjects } from '@timers/shared/subjects.ts'
import { batchLimits } from '../partition/batch.ts'

export class ClusterRefusedError extends Error {
  override readonly name = 'ClusterRefusedError'
}

export interface ClusterOptions {
  /** Used when the cluster is made; afterwards its record decides. */
  readonly partitionCount: number
  readonly replicas: number
}

const callMs = 5000
const patienceMs = 60_000
const againMs = 250
/** JetStream: there is such a stream, configured otherwise. */
const streamNameInUse = 10058
const megabyte = 1024 * 1024
const logBytes = { least: 32 * megabyte, most: 1024 * megabyte, withoutLimit: 256 * megabyte }
const streamsAtOnce = 8

interface Deps {
  readonly connection: NatsConnection
  readonly logger: Logger
}

/**
 * The record of the cluster, made if there is none. Every stream is there when it answers. Brokers that have just
 * come, or a stream that was made a moment ago and has no leader yet, are waited for up to a minute.
 */
export async function ensureCluster(options: ClusterOptions, deps: Deps): Promise<ClusterRecord> {
  const untilMs = performance.now() + patienceMs
  for (;;) {
    try {
      return await ensureOnce(options, deps)
    } catch (error) {
      const isFinal = error instanceof ClusterRefusedError || error instanceof ClusterRecordError
      if (isFinal || deps.connection.isClosed() || performance.now() > untilMs) throw error
      deps.logger.warn({ error }, 'the cluster cannot be made yet')
    }
    await sleep(againMs)
  }
}

async function ensureOnce(options: ClusterOptions, deps: Deps): Promise<ClusterRecord> {
  const { connection, logger } = deps
  const payload = connection.info?.max_payload ?? 0
  if (payload < 2 * batchLimits.bytes) {
    throw new ClusterRefusedError(
      `The broker takes ${payload} bytes a message; ${2 * batchLimits.bytes} are needed`,
    )
  }
  const manager = await jetstreamManager(connection, { timeout: callMs })
  const record = (await readClusterRecord(connection)) ?? (await createRecord(options, connection, manager))
  const missing = await missingStreams(record, manager)
  if (record.ready) {
    if (missing.length > 0)
      throw new ClusterRefusedError(`The streams of partitions ${missing.join(', ')} are missing`)
    // A log that was cut names the snapshot it needs, and is refused without it.
    await createSnapshotStream(record, manager)
    return record
  }
  logger.info({ partitions: record.partitionCount, replicas: record.replicas }, 'making the streams')
  await new ReaderPositions(record, { connection }).enlist(persistenceReader)
  const maxBytes = await bytesALog(record.partitionCount, manager)
  await createSnapshotStream(record, manager)
  const left = [...missing]
  await Promise.all(
    Array.from({ length: streamsAtOnce }, async () => {
      for (let partition = left.pop(); partition !== undefined; partition = left.pop()) {
        await createStream(partition, record, maxBytes, manager)
      }
    }),
  )
  return markReady(record, connection)
}

async function createRecord(
  options: ClusterOptions,
  connection: NatsConnection,
  manager: JetStreamManager,
): Promise<ClusterRecord> {
  const streams = await ownStreams(manager)
  if (streams.length > 0) {
    // Another node may have made both since we asked for the record.
    const theirs = await readClusterRecord(connection)
    if (theirs !== undefined) return theirs
    throw new ClusterRefusedError(
      `There are streams (${streams[0] ?? ''} …) and no cluster record: whose data is it?`,
    )
  }
  const record: ClusterRecord = {
    dataId: randomUUID(),
    partitionCount: options.partitionCount,
    hash: 'crc32-ieee',
    formatLevel: recordFormat,
    replicas: options.replicas,
    ready: false,
  }
  const bucket = await clusterBucket(connection, options.replicas)
  try {
    await bucket.create(subjects.clusterRecord, JSON.stringify(record))
    return record
  } catch (error) {
    // Another node was first: its record is the one.
    const theirs = await readClusterRecord(connection)
    if (theirs === undefined) throw error
    return theirs
  }
}

function clusterBucket(connection: NatsConnection, replicas: number): Promise<KV> {
  // Asked of its leader: a replica may not know yet that there is a record.
  return new Kvm(connection).create(subjects.clusterBucket, { replicas, history: 1, allow_direct: false })
}

async function markReady(record: ClusterRecord, connection: NatsConnection): Promise<ClusterRecord> {
  const ready = { ...record, ready: true }
  const bucket = await clusterBucket(connection, record.replicas)
  // Two nodes may both have made the streams: the same value, whoever is last.
  await bucket.put(subjects.clusterRecord, JSON.stringify(ready))
  return ready
}

async function ownStreams(manager: JetStreamManager): Promise<string[]> {
  const names: string[] = []
  for await (const name of manager.streams.names('timers.log.*')) names.push(name)
  return names
}

async function missingStreams(record: ClusterRecord, manager: JetStreamManager): Promise<number[]> {
  const there = new Set(await ownStreams(manager))
  const all = Array.from({ length: record.partitionCount }, (_, partition) => partition)
  return all.filter((partition) => !there.has(subjects.stream(partition)))
}

/** A quarter of what JetStream may store, shared by the partitions. */
async function bytesALog(partitionCount: number, manager: JetStreamManager): Promise<number> {
  const { limits, storage } = await manager.getAccountInfo()
  if (limits.max_storage <= 0) return logBytes.withoutLimit
  const share = Math.floor((limits.max_storage - storage) / 4 / partitionCount)
  return Math.min(logBytes.most, Math.max(logBytes.least, share))
}

async function createStream(
  partition: number,
  record: ClusterRecord,
  maxBytes: number,
  manager: JetStreamManager,
): Promise<void> {
  const subject = subjects.log(partition)
  const config: Partial<StreamConfig> & { name: string } = {
    name: subjects.stream(partition),
    subjects: [subject],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    num_replicas: record.replicas,
    max_bytes: maxBytes,
    deny_delete: true,
    allow_direct: true,
    republish: { src: subject, dest: subjects.events(partition) },
  }
  await addStream(config, manager)
}

/** Takes no room of its own in the broker's books: there are few of a partition, each as large as its timers. */
async function createSnapshotStream(
  { replicas }: Pick<ClusterRecord, 'replicas'>,
  manager: JetStreamManager,
): Promise<void> {
  const config = {
    name: subjects.snapshotStream,
    subjects: [subjects.anySnapshot],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    num_replicas: replicas,
    max_msgs_per_subject: 1,
    allow_direct: true,
  }
  await addStream(config, manager)
}

async function addStream(
  config: Partial<StreamConfig> & { name: string },
  manager: JetStreamManager,
): Promise<void> {
  try {
    await manager.streams.add(config)
  } catch (error) {
    // Two nodes may make it at once; whoever was first decided its size.
    if (!(error instanceof JetStreamApiError) || error.code !== streamNameInUse) throw error
  }
}
