// How far persistence has read each log, in a KV bucket, one key a partition: the log may be cut up to there and
// no further. A position that is missing counts as 0; an older one only keeps more of the log.

import { jetstream } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { subjects } from '../subjects.ts'

export interface ReaderPosition {
  readonly partition: number
  readonly dataId: string
  /** Every record up to it has been read, and what was made of it is safe. */
  readonly sequence: number
}

const callWithinMs = 1000

/** Writes them, and creates the bucket if it is not there. Throws NATS' errors. */
export async function tellReaderPositions(
  connection: NatsConnection,
  positions: readonly ReaderPosition[],
  options: { replicas: number },
): Promise<void> {
  const kvm = new Kvm(jetstream(connection, { timeout: callWithinMs }))
  const bucket = await kvm.create(subjects.readersBucket, { history: 1, replicas: options.replicas })
  await Promise.all(
    positions.map(({ partition, dataId, sequence }) =>
      bucket.put(String(partition), JSON.stringify({ dataId, sequence })),
    ),
  )
}
