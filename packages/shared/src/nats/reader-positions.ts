// How far persistence has read each log, in a KV bucket, one key a partition: the log may be cut up to there and
// no further. A position that is missing counts as 0; an older one only keeps more of the log.

import { jetstream } from '@nats-io/jetstream'
import { Kvm, type KV } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { subjects } from '../subjects.ts'

export interface ReaderPosition {
  readonly partition: number
  readonly dataId: string
  /** Every record up to it has been read, and what was made of it is safe. */
  readonly sequence: number
}

const callWithinMs = 1000

export class ReaderPositions {
  readonly #kvm: Kvm
  readonly #replicas: number
  #bucket: Promise<KV> | undefined

  constructor(options: { replicas: number }, deps: { connection: NatsConnection }) {
    this.#kvm = new Kvm(jetstream(deps.connection, { timeout: callWithinMs }))
    this.#replicas = options.replicas
  }

  /** Creates the bucket if it is not there. Throws NATS' errors. */
  async tell(positions: readonly ReaderPosition[]): Promise<void> {
    this.#bucket ??= this.#kvm.create(subjects.readersBucket, { history: 1, replicas: this.#replicas })
    try {
      const bucket = await this.#bucket
      await Promise.all(
        positions.map(({ partition, dataId, sequence }) =>
          bucket.put(String(partition), JSON.stringify({ dataId, sequence })),
        ),
      )
    } catch (error) {
      // It may be gone with all of the broker's data.
      this.#bucket = undefined
      throw error
    }
  }
}
