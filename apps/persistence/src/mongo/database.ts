// The connection to MongoDB, its collections and their indexes. It is there before MongoDB is: whoever asks
// meanwhile is refused at once. Nobody else knows the driver's options.

import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@timers/shared/logger.ts'
import { backoffMs } from '@timers/shared/backoff.ts'
import { MongoClient, MongoError, MongoServerError } from 'mongodb'
import type { Collection, Db, IndexDescription } from 'mongodb'
import { RepositoryUnavailableError } from '../projection/repository.ts'
import type { RepositoryHealth } from '../projection/repository.ts'
import type {
  EventDocument,
  GapDocument,
  PoisonDocument,
  PositionDocument,
  TimerDocument,
} from './documents.ts'

export interface Collections {
  readonly timers: Collection<TimerDocument>
  readonly events: Collection<EventDocument>
  readonly positions: Collection<PositionDocument>
  readonly gaps: Collection<GapDocument>
  readonly poison: Collection<PoisonDocument>
}

const daySeconds = 86_400
const auditDays = 90
const deletedTimerDays = 30
/** Of the server for one call; the socket gives up a little later. */
export const callWithinMs = 2000
const writeWithinMs = 5000
const connectBackoff = { firstMs: 100, mostMs: 2000 }

const indexes = {
  timers: [
    { key: { tenantId: 1, deleted: 1, createdAtMs: 1, timerId: 1 } },
    { key: { tenantId: 1, deleted: 1, state: 1, createdAtMs: 1, timerId: 1 } },
    { key: { tenantId: 1, deleted: 1, labels: 1, createdAtMs: 1, timerId: 1 } },
    { key: { tenantId: 1, deleted: 1, timerId: 1 } },
    { key: { partition: 1 } },
    { key: { deletedAt: 1 }, expireAfterSeconds: deletedTimerDays * daySeconds },
  ],
  events: [
    { key: { tenantId: 1, timerId: 1, version: 1 } },
    { key: { tenantId: 1, partition: 1, sequence: 1, index: 1 } },
    { key: { occurredAt: 1 }, expireAfterSeconds: auditDays * daySeconds },
  ],
  gaps: [{ key: { at: 1 }, expireAfterSeconds: auditDays * daySeconds }],
  poison: [{ key: { at: 1 }, expireAfterSeconds: auditDays * daySeconds }],
} as const satisfies Partial<Record<keyof Collections, readonly IndexDescription[]>>

export class Database implements AsyncDisposable {
  readonly collections: Collections
  readonly #client: MongoClient
  readonly #db: Db
  readonly #logger: Logger
  readonly #closing = new AbortController()
  readonly #prepared: Promise<void>
  #indexing: Promise<void> | undefined
  #isPrepared = false
  #isWritable = false
  #toldReady = false

  /** Connects by itself, for as long as it takes. */
  constructor(options: { uri: string; name: string }, deps: { logger: Logger }) {
    this.#logger = deps.logger
    this.#client = new MongoClient(options.uri, {
      appName: options.name,
      serverSelectionTimeoutMS: 1000,
      connectTimeoutMS: 2000,
      heartbeatFrequencyMS: 1000,
      minHeartbeatFrequencyMS: 100,
      socketTimeoutMS: writeWithinMs + 1000,
      waitQueueTimeoutMS: 1000,
      maxPoolSize: 40,
      writeConcern: { w: 'majority', journal: true, wtimeoutMS: writeWithinMs },
    })
    this.#client.on('topologyDescriptionChanged', ({ newDescription }) => {
      this.#isWritable = [...newDescription.servers.values()].some(({ isWritable }) => isWritable)
      this.#tellChange()
    })
    this.#db = this.#client.db(databaseOf(options.uri))
    this.collections = {
      timers: this.#db.collection('timers'),
      events: this.#db.collection('events'),
      positions: this.#db.collection('positions'),
      gaps: this.#db.collection('gaps'),
      poison: this.#db.collection('poison'),
    }
    this.#prepared = this.#prepare()
  }

  health(): RepositoryHealth {
    const ready = this.#isPrepared && this.#isWritable
    return { ready, reasons: ready ? [] : ['MongoDB is not reachable'] }
  }

  /** Runs one call; while MongoDB is away it refuses at once, and what the driver says is never a tenant's data. */
  async call<T>(run: (collections: Collections) => Promise<T>): Promise<T> {
    if (!this.health().ready) throw new RepositoryUnavailableError('MongoDB is not reachable')
    try {
      return await run(this.collections)
    } catch (error) {
      throw toUnavailable(error)
    }
  }

  /** Also of a database that was dropped meanwhile; many may ask at once. */
  async ensureIndexes(): Promise<void> {
    this.#indexing ??= this.#createIndexes().finally(() => {
      this.#indexing = undefined
    })
    await this.#indexing
  }

  async #createIndexes(): Promise<void> {
    await Promise.all(
      Object.entries(indexes).map(async ([name, descriptions]) => {
        await this.#db.collection(name).createIndexes([...descriptions])
      }),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await this.#client.close()
    await this.#prepared
  }

  #tellChange(): void {
    const { ready } = this.health()
    if (ready === this.#toldReady || this.#closing.signal.aborted) return
    this.#toldReady = ready
    if (ready) this.#logger.info({}, 'MongoDB is there')
    else this.#logger.warn({}, 'MongoDB is away')
  }

  async #prepare(): Promise<void> {
    for (let attempt = 0; !this.#closing.signal.aborted; attempt += 1) {
      try {
        await this.#client.connect()
        await this.ensureIndexes()
        this.#isPrepared = true
        this.#tellChange()
        return
      } catch (error) {
        if (attempt === 0) this.#logger.warn({ error: toUnavailable(error) }, 'waiting for MongoDB')
        const waitMs = backoffMs(connectBackoff, attempt, Math.random)
        await delay(waitMs, undefined, { signal: this.#closing.signal }).catch(() => undefined)
      }
    }
  }
}

/** The driver's errors carry the documents they are about; only name, code and a message without them go on. */
function toUnavailable(error: unknown): unknown {
  if (!(error instanceof MongoError)) return isAbort(error) ? tooSlow() : error
  const { name, code } = error
  const codeName = error instanceof MongoServerError ? (error.codeName ?? '') : ''
  return new RepositoryUnavailableError(['MongoDB:', name, code ?? '', codeName].join(' ').trim())
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError')
}

function tooSlow(): RepositoryUnavailableError {
  return new RepositoryUnavailableError('MongoDB did not answer in time')
}

/** The one the URI names; `timers` when it names none. */
function databaseOf(uri: string): string {
  return /^mongodb(?:\+srv)?:\/\/[^/]+\/([^?]+)/.exec(uri)?.[1] ?? 'timers'
}
