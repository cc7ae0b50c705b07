// Who has to see every record of the logs, and how far each has read, in a KV bucket: a log may be cut up to the
// least of their positions and no further. A position that is missing counts as 0; an older one only keeps more of
// the log. A reader lists itself; a name goes only when an operator says so.

import { jetstream, JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream'
import { Kvm, type KV } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { subjects } from '../subjects.ts'

export interface ReaderPosition {
  readonly partition: number
  readonly dataId: string
  /** Every record up to it has been read, and what was made of it is safe. */
  readonly sequence: number
}

/** The read model, whichever node reads for it. */
export const persistenceReader = 'persistence'

const callWithinMs = 1000
const namesMost = 32
const triesMost = 5
const allowedName = /^[a-z][a-z0-9-]{0,31}$/

/** Throws NATS' errors. */
export class ReaderPositions {
  readonly #kvm: Kvm
  readonly #replicas: number
  #bucket: Promise<KV> | undefined

  constructor(options: { readonly replicas: number }, deps: { readonly connection: NatsConnection }) {
    this.#kvm = new Kvm(jetstream(deps.connection, { timeout: callWithinMs }))
    this.#replicas = options.replicas
  }

  /** Creates the bucket if it is not there. From now on nothing is cut that `name` has not read. */
  async enlist(name: string): Promise<void> {
    if (!allowedName.test(name)) throw new Error(`Not a reader's name: ${name}`)
    await this.#with(true, (bucket) =>
      changeNames(bucket, (names) => (names.includes(name) ? names : [...names, name])),
    )
  }

  /** What it has not read may be cut. False: it is not listed. */
  async remove(name: string): Promise<boolean> {
    let was = false
    await this.#with(true, (bucket) =>
      changeNames(bucket, (names) => {
        was = names.includes(name)
        return was ? names.filter((other) => other !== name) : names
      }),
    )
    return was
  }

  /** Undefined: nobody has ever been listed. */
  async names(): Promise<readonly string[] | undefined> {
    return await this.#orMissing(async (bucket) => (await namesIn(bucket))?.names)
  }

  async tell(name: string, positions: readonly ReaderPosition[]): Promise<void> {
    await this.#with(true, async (bucket) => {
      await Promise.all(
        positions.map(({ partition, dataId, sequence }) =>
          bucket.put(subjects.readerPosition(name, partition), JSON.stringify({ dataId, sequence })),
        ),
      )
    })
  }

  /** 0 when it has not told one, or one of other data. */
  async positionOf(name: string, partition: number, dataId: string): Promise<number> {
    const found = await this.#orMissing((bucket) => bucket.get(subjects.readerPosition(name, partition)))
    return found?.operation === 'PUT' ? sequenceOf(found.string(), dataId) : 0
  }

  /** The least position of those listed; Infinity when nobody is any more, 0 when nobody ever was. */
  async least(partition: number, dataId: string): Promise<number> {
    const names = await this.names()
    if (names === undefined) return 0
    const positions = await Promise.all(names.map((name) => this.positionOf(name, partition, dataId)))
    return Math.min(...positions)
  }

  async #orMissing<T>(asking: (bucket: KV) => Promise<T>): Promise<T | undefined> {
    try {
      return await this.#with(false, asking)
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)
        return undefined
      throw error
    }
  }

  async #with<T>(create: boolean, doing: (bucket: KV) => Promise<T>): Promise<T> {
    const { readersBucket } = subjects
    this.#bucket ??= create
      ? this.#kvm.create(readersBucket, { history: 1, replicas: this.#replicas })
      : this.#kvm.open(readersBucket)
    try {
      return await doing(await this.#bucket)
    } catch (error) {
      // It may be gone with all of the broker's data.
      this.#bucket = undefined
      throw error
    }
  }
}

async function namesIn(
  bucket: KV,
): Promise<{ readonly names: readonly string[]; readonly revision: number } | undefined> {
  const entry = await bucket.get(subjects.readerNames)
  if (entry?.operation !== 'PUT') return undefined
  const names: unknown = JSON.parse(entry.string())
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
    throw new Error(`The key ${subjects.readerNames} of ${subjects.readersBucket} is not a list of names`)
  }
  return { names, revision: entry.revision }
}

async function changeNames(
  bucket: KV,
  change: (names: readonly string[]) => readonly string[],
): Promise<void> {
  for (let tries = triesMost; ; tries -= 1) {
    const found = await namesIn(bucket)
    const names = change(found?.names ?? [])
    if (names === found?.names) return
    if (names.length > namesMost) throw new Error(`More than ${namesMost} readers`)
    try {
      await bucket.put(subjects.readerNames, JSON.stringify(names), { previousSeq: found?.revision ?? 0 })
      return
    } catch (error) {
      // Somebody else may have changed it in between.
      if (tries <= 1) throw error
    }
  }
}

function sequenceOf(text: string, dataId: string): number {
  const position = JSON.parse(text) as { dataId?: unknown; sequence?: unknown } | null
  if (position?.dataId !== dataId) return 0
  return typeof position.sequence === 'number' ? position.sequence : 0
}
