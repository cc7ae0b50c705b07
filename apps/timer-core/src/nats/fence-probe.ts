// Before a node owns anything: does this broker keep the one promise on which everything stands? Writers on several
// connections race for one expected sequence on a scratch stream that is stored as the logs are; one may win.

import {
  DiscardPolicy,
  jetstream,
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
} from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { ClusterRefusedError } from './cluster-setup.ts'

export interface ProbeOptions {
  /** Names the scratch stream; no other node has it. */
  readonly node: string
  readonly replicas: number
}

const callMs = 5000
const rounds = 3
const writersAConnection = 4

/** Throws a ClusterRefusedError when more than one writer wins, and NATS' errors. */
export async function probeFence(
  { node, replicas }: ProbeOptions,
  connections: readonly [NatsConnection, ...NatsConnection[]],
): Promise<void> {
  const stream = `TIMERS_PROBE_${node.replaceAll(/[^A-Za-z0-9_-]/g, '_')}`
  const subject = `timers.probe.${stream}`
  const { streams } = await jetstreamManager(connections[0], { timeout: callMs })
  // What a node that was killed here has left.
  await removeStream(streams, stream)
  await streams.add({
    name: stream,
    subjects: [subject],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    num_replicas: replicas,
    max_bytes: 64 * 1024,
  })
  try {
    for (let round = 0; round < rounds; round += 1) await race(stream, subject, round, connections)
  } finally {
    await removeStream(streams, stream)
  }
}

async function race(
  streamName: string,
  subject: string,
  lastSequence: number,
  connections: readonly NatsConnection[],
): Promise<void> {
  const writing = connections.flatMap((connection) => {
    const client = jetstream(connection, { timeout: callMs })
    return Array.from({ length: writersAConnection }, (_, writer) =>
      client.publish(subject, `${writer}`, { expect: { streamName, lastSequence }, timeout: callMs }),
    )
  })
  const outcomes = await Promise.allSettled(writing)
  const winners = outcomes.filter(({ status }) => status === 'fulfilled').length
  if (winners > 1) {
    throw new ClusterRefusedError(
      `${winners} writers were told that they wrote record ${lastSequence + 1}: this broker does not hold the fence`,
    )
  }
  if (winners === 0) throw new Error('The broker took no record of the probe')
}

async function removeStream(streams: JetStreamManager['streams'], name: string): Promise<void> {
  try {
    await streams.delete(name)
  } catch (error) {
    const isGone = error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound
    if (!isGone) throw error
  }
}
