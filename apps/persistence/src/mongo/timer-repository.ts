// The read model in MongoDB. Documents and audit are written before the position that says so, each guarded, so
// that a repeat, two nodes at once or a crash between any two writes change nothing. Reading is in queries.ts.

import { randomBytes } from 'node:crypto'
import { Binary, MongoBulkWriteError, MongoServerError } from 'mongodb'
import type { AnyBulkWriteOperation, Collection, Filter } from 'mongodb'
import type {
  AuditEvent,
  FeedQuery,
  ListQuery,
  TimerEventsQuery,
  TimerStats,
} from '@timers/shared/timer/queries.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'
import type {
  FeedSlice,
  ProjectedBatch,
  Rebuild,
  RepositoryHealth,
  SeenEnd,
  Slice,
  StoredPosition,
  TimerRepository,
} from '../projection/repository.ts'
import type { Collections, Database } from './database.ts'
import { callWithinMs } from './database.ts'
import { toEventDocument, toPosition, toTimerDocument } from './documents.ts'
import type { EventDocument, PositionDocument, TimerDocument } from './documents.ts'
import { findEvents, findFeed, findTimers, countByState } from './queries.ts'

/** Documents removed in one call. */
const clearedMost = 2000
const duplicateKey = 11_000

export class MongoTimerRepository implements TimerRepository {
  readonly #database: Database
  readonly #lookMost: number

  /** `lookMost`: events that one page of the feed looks at for those that are wanted. */
  constructor(database: Database, { lookMost = 20_000 }: { readonly lookMost?: number } = {}) {
    this.#database = database
    this.#lookMost = lookMost
  }

  health(): RepositoryHealth {
    return this.#database.health()
  }

  async positions(): Promise<readonly StoredPosition[]> {
    return await this.#database.call(async ({ positions }) => {
      const documents = await positions.find({ clearFrom: { $exists: false } }, reading()).toArray()
      return documents.map(toPosition)
    })
  }

  async durablePositions(): Promise<readonly StoredPosition[]> {
    return await this.positions()
  }

  async position(partition: number): Promise<StoredPosition | undefined> {
    return await this.#database.call(async (collections) => {
      const document = await collections.positions.findOne({ _id: partition }, reading())
      if (document === null) return undefined
      // Whoever began to rebuild it may be gone.
      if (document.clearFrom !== undefined) await clear(collections, document)
      return toPosition(document)
    })
  }

  async rebuild({ partition, dataId, first, clearFrom, term, gap, replaces }: Rebuild): Promise<void> {
    await this.#database.call(async (collections) => {
      await this.#database.ensureIndexes()
      const document: PositionDocument = {
        _id: partition,
        dataId,
        build: randomBytes(6).toString('hex'),
        sequence: first - 1,
        term: term ?? null,
        storedAtMs: null,
        endSeenAtMs: 0,
      }
      // Of a new cluster there is nothing to remove.
      if (gap !== undefined || (await hasDocuments(collections, partition))) {
        Object.assign(document, { clearFrom, ...(gap && { gap }) })
      }
      if (!(await replacePosition(collections, document, replaces))) return
      if (document.clearFrom !== undefined) await clear(collections, document)
    })
  }

  async apply(batch: ProjectedBatch): Promise<boolean> {
    return await this.#database.call(async (collections) => {
      const { partition, dataId, build, place } = batch
      const current = { _id: partition, dataId, build, sequence: { $lt: place.sequence } }
      // The update below decides; asked before, hardly anything is written in vain.
      if ((await collections.positions.findOne(current, reading())) === null) return false
      await Promise.all([
        writeTimers(collections, batch),
        writeEvents(collections, batch),
        writePoison(collections, batch),
      ])
      const { matchedCount } = await collections.positions.updateOne(current, {
        $set: {
          sequence: place.sequence,
          term: place.term ?? null,
          storedAtMs: place.storedAtMs ?? null,
        },
      })
      return matchedCount === 1
    })
  }

  async sawEnds(ends: readonly SeenEnd[]): Promise<void> {
    await this.#database.call(async ({ positions }) => {
      const updates = ends.map(
        ({ partition, build, endSeenAtMs }): AnyBulkWriteOperation<PositionDocument> => ({
          updateOne: { filter: { _id: partition, build }, update: { $max: { endSeenAtMs } } },
        }),
      )
      // Lost, it is said again a second later.
      await positions.bulkWrite(updates, { ordered: false, writeConcern: { w: 1, journal: false } })
    })
  }

  async list(query: ListQuery): Promise<Slice<Timer>> {
    return await this.#database.call((collections) => findTimers(collections, query, reading()))
  }

  async timerEvents(partition: number, query: TimerEventsQuery): Promise<Slice<AuditEvent>> {
    return await this.#database.call((collections) => findEvents(collections, partition, query, reading()))
  }

  async feed(query: FeedQuery): Promise<FeedSlice> {
    return await this.#database.call((collections) => findFeed(collections, query, this.#lookMost, reading()))
  }

  async stats(tenantId: string): Promise<TimerStats['byState']> {
    return await this.#database.call((collections) => countByState(collections, tenantId, reading()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database[Symbol.asyncDispose]()
  }
}

/** The server's deadline, and ours for a server that stands still. */
function reading(): { maxTimeMS: number; signal: AbortSignal } {
  return { maxTimeMS: callWithinMs, signal: AbortSignal.timeout(callWithinMs + 500) }
}

async function writeTimers({ timers }: Collections, { newest, build }: ProjectedBatch): Promise<void> {
  if (newest.length === 0) return
  const writes = newest.map((event): AnyBulkWriteOperation<TimerDocument> => {
    const { _id, ...replacement } = toTimerDocument(event, build)
    return {
      replaceOne: { filter: { _id, version: { $lt: replacement.version } }, replacement, upsert: true },
    }
  })
  // A newer version is there: the filter finds none, and the insert finds its key taken.
  await exceptDuplicates(timers.bulkWrite(writes, { ordered: false }))
}

async function writeEvents({ events }: Collections, batch: ProjectedBatch): Promise<void> {
  if (batch.events.length === 0) return
  const documents = batch.events.map((event): EventDocument => toEventDocument(event, batch.build))
  await exceptDuplicates(events.insertMany(documents, { ordered: false }))
}

async function writePoison(collections: Collections, { poison, partition }: ProjectedBatch): Promise<void> {
  if (poison.length === 0) return
  const documents = poison.map(({ sequence, reason, data }) => ({
    _id: `${partition}_${sequence}`,
    reason,
    data: new Binary(data),
    at: new Date(),
  }))
  await exceptDuplicates(collections.poison.insertMany(documents, { ordered: false }))
}

async function exceptDuplicates(writing: Promise<unknown>): Promise<void> {
  try {
    await writing
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error
    const { writeErrors, result } = error
    const failures = Array.isArray(writeErrors) ? writeErrors : [writeErrors]
    if (failures.some(({ code }) => code !== duplicateKey)) throw error
    if (result.getWriteConcernError() !== undefined) throw error
  }
}

/** False: another build stands already. */
async function replacePosition(
  { positions }: Collections,
  document: PositionDocument,
  replaces: string | undefined,
): Promise<boolean> {
  if (replaces !== undefined) {
    const { _id, ...replacement } = document
    const { matchedCount } = await positions.replaceOne({ _id, build: replaces }, replacement)
    return matchedCount === 1
  }
  try {
    await positions.insertOne(document)
    return true
  } catch (error) {
    if (error instanceof MongoServerError && error.code === duplicateKey) return false
    throw error
  }
}

async function hasDocuments({ timers, events, gaps }: Collections, partition: number): Promise<boolean> {
  const found = await Promise.all([
    timers.findOne({ partition }, reading()),
    events.findOne({ _id: eventIdsOf(partition) }, reading()),
    gaps.findOne({ partition }, reading()),
  ])
  return found.some((document) => document !== null)
}

/** By their ids: no index of the audit starts with the partition. */
function eventIdsOf(partition: number): { $gte: string; $lt: string } {
  return { $gte: `evt_${partition}_`, $lt: `evt_${partition}\`` }
}

/** Removes what older builds wrote of records that this build reads again; two may do it at once. */
async function clear(collections: Collections, position: PositionDocument): Promise<void> {
  const { _id: partition, build, clearFrom = 0, gap } = position
  const stale = { build: { $ne: build }, sequence: { $gte: clearFrom } }
  const { timers, events, gaps, positions } = collections
  await removeAll(timers, { partition, ...stale })
  await removeAll(events, { _id: eventIdsOf(partition), ...stale })
  await gaps.deleteMany({ partition, to: { $gte: clearFrom } })
  if (gap !== undefined) {
    await gaps.replaceOne(
      { _id: `${partition}_${gap.to}` },
      { partition, ...gap, at: new Date() },
      { upsert: true },
    )
  }
  await positions.updateOne({ _id: partition, build }, { $unset: { clearFrom: '', gap: '' } })
}

async function removeAll<T extends { _id: string }>(
  collection: Collection<T>,
  filter: Filter<T>,
): Promise<void> {
  for (;;) {
    const found = await collection.find(filter, { projection: { _id: 1 }, limit: clearedMost }).toArray()
    if (found.length === 0) return
    const these = { _id: { $in: found.map(({ _id }) => _id) } } as Filter<T>
    await collection.deleteMany({ $and: [filter, these] } as Filter<T>)
  }
}
