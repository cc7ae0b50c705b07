// The cluster record: what was decided once, when the cluster was made. Core makes it; everybody else
// only reads it and waits until it is ready.

import { jetstream, JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { pause, type Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import { subjects } from '../subjects.ts'

export interface ClusterRecord {
  /** Names this cluster's data; with another one forget what you knew. */
  readonly dataId: string
  readonly partitionCount: number
  readonly hash: 'crc32-ieee'
  readonly formatLevel: number
  readonly replicas: number
  /** The streams stand. */
  readonly ready: boolean
}

/** The record is there but this build cannot serve such a cluster. */
export class ClusterRecordError extends Error {
  constructor(problem: string) {
    super(`The cluster record in ${subjects.clusterBucket} ${problem}`)
    this.name = 'ClusterRecordError'
  }
}

const callWithinMs = 1000
const askEveryMs = 250

/** Undefined = not made yet. Throws a ClusterRecordError, or NATS' error when it does not answer in 1 s. */
export async function readClusterRecord(connection: NatsConnection): Promise<ClusterRecord | undefined> {
  const kvm = new Kvm(jetstream(connection, { timeout: callWithinMs }))
  try {
    const bucket = await kvm.open(subjects.clusterBucket)
    const entry = await bucket.get(subjects.clusterRecord)
    return entry?.operation === 'PUT' ? parseClusterRecord(entry.string()) : undefined
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)
      return undefined
    throw error
  }
}

/** Waits until the cluster is ready, as long as the signal and the connection let it. */
export async function awaitCluster(
  connection: NatsConnection,
  deps: { clock: Clock; logger: Logger },
  signal?: AbortSignal,
): Promise<ClusterRecord> {
  for (let told = false; ; told = true) {
    signal?.throwIfAborted()
    try {
      const record = await readClusterRecord(connection)
      if (record?.ready === true) return record
      if (!told) deps.logger.info({}, 'waiting for the cluster to be made')
    } catch (error) {
      if (error instanceof ClusterRecordError || connection.isClosed()) throw error
      if (!told) deps.logger.warn({ error }, 'waiting for the cluster record')
    }
    await pause(deps.clock, askEveryMs, signal)
  }
}

export function parseClusterRecord(text: string): ClusterRecord {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new ClusterRecordError('is not JSON')
  }
  if (typeof value !== 'object' || value === null) throw new ClusterRecordError('is not an object')
  const { dataId, partitionCount, hash, formatLevel, replicas, ready } = value as Record<string, unknown>
  if (typeof dataId !== 'string' || dataId === '') throw new ClusterRecordError('has no dataId')
  if (hash !== 'crc32-ieee')
    throw new ClusterRecordError(`names a hash this build does not have: ${String(hash)}`)
  if (typeof ready !== 'boolean') throw new ClusterRecordError('does not say whether it is ready')
  return {
    dataId,
    partitionCount: atLeastOne(partitionCount, 'partitionCount'),
    hash,
    formatLevel: atLeastOne(formatLevel, 'formatLevel'),
    replicas: atLeastOne(replicas, 'replicas'),
    ready,
  }
}

function atLeastOne(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value
  throw new ClusterRecordError(`has no valid ${name}: ${String(value)}`)
}
