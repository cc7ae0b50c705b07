// A cluster without timer-core: a real nats-server and mongod, streams and record as core makes them, logs written by
// hand, persistence nodes in this process, and questions to them as timer-api asks.

import { credentials, status } from '@grpc/grpc-js'
import type { ServiceError } from '@grpc/grpc-js'
import { jetstream, jetstreamManager, RetentionPolicy, StorageType, DiscardPolicy } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { connect } from '@nats-io/transport-node'
import type { NatsConnection } from '@nats-io/transport-node'
import { MongoClient } from 'mongodb'
import type { Db, Document } from 'mongodb'
import { emptyDatabase } from './empty-database.ts'
import { startMongod } from '@timers/dev/mongod.ts'
import type { Mongod } from '@timers/dev/mongod.ts'
import { startNatsServer } from '@timers/dev/nats-server.ts'
import type { RealServer } from '@timers/dev/real-server.ts'
import { TimerQueriesClient } from '@timers/proto/timers/core/v1/queries.ts'
import type { LogRecord } from '@timers/shared/log/record.ts'
import type { RunningApp } from '@timers/shared/lifecycle.ts'
import type { ClusterRecord } from '@timers/shared/nats/cluster-record.ts'
import { persistenceReader } from '@timers/shared/nats/reader-positions.ts'
import { subjects } from '@timers/shared/subjects.ts'
import type {
  EventPage,
  FeedPage,
  FeedQuery,
  ListQuery,
  TimerPage,
  TimerStats,
} from '@timers/shared/timer/queries.ts'
import {
  eventPageFromWire,
  feedPageFromWire,
  feedQueryToWire,
  listQueryToWire,
  statsFromWire,
  timerEventsQueryToWire,
  timerPageFromWire,
} from '@timers/shared/wire/query-wire.ts'
import { encodeRecord } from '@timers/shared/wire/record-wire.ts'
import { startPersistence } from '../src/app.ts'
import { readPersistenceConfig } from '../src/config.ts'
import { batchRecord, makeTimer, takeoverRecord } from './events.ts'
import type { MadeEvent } from './events.ts'
import { eventually } from './eventually.ts'

export const partitionCount = 4

/** Its title is its version. */
export function of(timerId: string, version: number, type: MadeEvent['type'] = 'updated'): MadeEvent {
  return { type, timer: makeTimer({ timerId, version, title: `v${version}` }) }
}

export function upTo(most: number): number[] {
  return Array.from({ length: most }, (_, index) => index + 1)
}

export class World implements AsyncDisposable {
  readonly nats: RealServer
  readonly mongod: Mongod
  readonly connection: NatsConnection
  readonly db: Db
  readonly #stack: AsyncDisposableStack
  #dataIds = 0

  private constructor(
    parts: Pick<World, 'nats' | 'mongod' | 'connection' | 'db'>,
    stack: AsyncDisposableStack,
  ) {
    this.nats = parts.nats
    this.mongod = parts.mongod
    this.connection = parts.connection
    this.db = parts.db
    this.#stack = stack
  }

  static async start(): Promise<World> {
    await using stack = new AsyncDisposableStack()
    const nats = stack.use(await startNatsServer())
    const mongod = stack.use(await startMongod())
    const connection = await connect({ servers: nats.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 })
    stack.defer(() => connection.close())
    const client = new MongoClient(mongod.uri, { serverSelectionTimeoutMS: 1000 })
    stack.defer(() => client.close())
    return new World({ nats, mongod, connection, db: client.db() }, stack.move())
  }

  /** The cluster record, as timer-core leaves it. */
  async makeCluster(dataId: string): Promise<void> {
    const record: ClusterRecord = {
      dataId,
      partitionCount,
      hash: 'crc32-ieee',
      formatLevel: 1,
      replicas: 1,
      ready: true,
    }
    const bucket = await new Kvm(this.connection).create(subjects.clusterBucket)
    await bucket.put(subjects.clusterRecord, JSON.stringify(record))
  }

  /** Empty ones, instead of those that were there. */
  async makeStreams(): Promise<void> {
    const manager = await jetstreamManager(this.connection)
    for (let partition = 0; partition < partitionCount; partition += 1) {
      const subject = subjects.log(partition)
      await manager.streams.delete(subjects.stream(partition)).catch(() => undefined)
      await manager.streams.add({
        name: subjects.stream(partition),
        subjects: [subject],
        retention: RetentionPolicy.Limits,
        storage: StorageType.File,
        discard: DiscardPolicy.New,
        deny_delete: true,
        allow_direct: true,
        republish: { src: subject, dest: subjects.events(partition) },
      })
    }
  }

  /** An empty database and an empty cluster, but for a Takeover of term t1 in each log; its dataId. */
  async begin(): Promise<string> {
    await emptyDatabase(this.db)
    return await this.otherData()
  }

  async otherData(): Promise<string> {
    this.#dataIds += 1
    const dataId = `data${this.#dataIds}`
    await this.makeStreams()
    await this.makeCluster(dataId)
    for (let partition = 0; partition < partitionCount; partition += 1) {
      await this.append(partition, takeoverRecord('t1', dataId, partitionCount))
    }
    return dataId
  }

  /** A record each, of term t1. */
  async appendVersions(partition: number, timerId: string, from: number, to: number): Promise<void> {
    for (let version = from; version <= to; version += 1) {
      await this.append(partition, batchRecord('t1', [of(timerId, version)]))
    }
  }

  async append(partition: number, record: LogRecord | Uint8Array): Promise<number> {
    const bytes = record instanceof Uint8Array ? record : encodeRecord(record)
    return (await jetstream(this.connection).publish(subjects.log(partition), bytes)).seq
  }

  /** Removes the log's records up to `sequence`, included. */
  async cutLog(partition: number, sequence: number): Promise<void> {
    const manager = await jetstreamManager(this.connection)
    await manager.streams.purge(subjects.stream(partition), { seq: sequence + 1 })
  }

  async readerPosition(partition: number): Promise<unknown> {
    const bucket = await new Kvm(this.connection).open(subjects.readersBucket)
    return (await bucket.get(subjects.readerPosition(persistenceReader, partition)))?.json()
  }

  async startNode(name: string, env: NodeJS.ProcessEnv = {}): Promise<Node> {
    const config = readPersistenceConfig({
      NODE_NAME: name,
      NATS_URL: this.nats.url,
      MONGODB_URI: this.mongod.uri,
      LOG_LEVEL: 'silent',
      ...env,
    })
    return new Node(await startPersistence(config))
  }

  async documents(collection: string, filter: Document = {}): Promise<Document[]> {
    return await this.db.collection(collection).find(filter).sort({ _id: 1 }).toArray()
  }

  async storedSequence(partition: number): Promise<number> {
    const positions = this.db.collection<{ _id: number; sequence: number }>('positions')
    return (await positions.findOne({ _id: partition }))?.sequence ?? 0
  }

  /** [version of the document, versions in its audit] of a timer. */
  async versionsOf(timerId: string): Promise<[number | undefined, number[]]> {
    const document = await this.db.collection('timers').findOne({ timerId })
    const events = await this.db.collection('events').find({ timerId }).sort({ version: 1 }).toArray()
    return [document?.['version'] as number | undefined, events.map((event) => event['version'] as number)]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

/** A running persistence node. */
export class Node implements AsyncDisposable {
  readonly app: RunningApp
  readonly #client: TimerQueriesClient
  #stopped: Promise<void> | undefined

  constructor(app: RunningApp) {
    this.app = app
    this.#client = new TimerQueriesClient(app.grpc ?? '', credentials.createInsecure())
  }

  async list(over: Partial<ListQuery> = {}): Promise<TimerPage> {
    const query = { tenantId: 'default', labels: [], prefix: '', limit: 500, atLeast: [], ...over }
    return timerPageFromWire(await ask((done) => this.#client.listTimers(listQueryToWire(query), done)))
  }

  async events(timerId: string): Promise<EventPage> {
    const query = { tenantId: 'default', timerId, afterVersion: 0, limit: 500 }
    const request = timerEventsQueryToWire(query)
    return eventPageFromWire(await ask((done) => this.#client.listTimerEvents(request, done)))
  }

  async feed(over: Partial<FeedQuery> = {}): Promise<FeedPage> {
    const query = { tenantId: 'default', after: [], prefix: '', limit: 500, ...over }
    return feedPageFromWire(await ask((done) => this.#client.listFeed(feedQueryToWire(query), done)))
  }

  async stats(tenantId = 'default'): Promise<TimerStats> {
    return statsFromWire(await ask((done) => this.#client.stats({ tenantId }, done)))
  }

  async readiness(): Promise<{ ready: boolean; reasons: string[] }> {
    const response = await fetch(`${this.app.ops}/readyz`)
    return (await response.json()) as { ready: boolean; reasons: string[] }
  }

  async ready(): Promise<void> {
    await eventually(async () => {
      const { ready, reasons } = await this.readiness()
      if (!ready) throw new Error(reasons.join(', '))
    })
  }

  /** When each [partition, sequence] is in the read model. */
  async caughtUp(...wanted: readonly (readonly [number, number])[]): Promise<void> {
    const atLeast = wanted.map(([partition, sequence]) => ({ partition, sequence }))
    await eventually(async () => {
      await this.list({ atLeast, limit: 1 })
    })
  }

  /** The value of the one metric whose line starts so. */
  async metric(start: string): Promise<number> {
    const text = await (await fetch(`${this.app.ops}/metrics`)).text()
    const line = text.split('\n').find((each) => each.startsWith(start))
    return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ')))
  }

  stop(): Promise<void> {
    this.#stopped ??= (async () => {
      this.#client.close()
      await this.app[Symbol.asyncDispose]()
    })()
    return this.#stopped
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

/** Rejects with an error whose message is the status' name. */
function ask<T>(call: (done: (error: ServiceError | null, answer: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, answer) => {
      if (error === null) resolve(answer)
      else reject(new Error(status[error.code], { cause: error }))
    })
  })
}
