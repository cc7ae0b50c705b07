// A repository of either room, begun, with short words for what is done to it.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe } from 'node:test'
import { MongoClient } from 'mongodb'
import { startMongod } from '@timers/dev/mongod.ts'
import type { Mongod } from '@timers/dev/mongod.ts'
import { createLogger } from '@timers/shared/logger.ts'
import { createSystemClock } from '@timers/shared/system-clock.ts'
import type { LoggedEvent } from '@timers/shared/timer/event.ts'
import type { ListQuery } from '@timers/shared/timer/queries.ts'
import { FileTimerRepository } from '../src/file/timer-repository.ts'
import { Database } from '../src/mongo/database.ts'
import { MongoTimerRepository } from '../src/mongo/timer-repository.ts'
import type { ProjectedBatch, TimerRepository } from '../src/projection/repository.ts'
import { baseMs, makeEvent, makeTimer } from './events.ts'
import { emptyDatabase } from './empty-database.ts'
import { eventually } from './eventually.ts'

const logger = createLogger({ role: 'persistence', name: 'test', level: 'silent' })
export const list: ListQuery = { tenantId: 'default', labels: [], prefix: '', limit: 500, atLeast: [] }

/** Partition 0 is begun. */
export class Subject implements AsyncDisposable {
  readonly repository: TimerRepository
  build = ''

  constructor(repository: TimerRepository) {
    this.repository = repository
  }

  async begin(over: Partial<Parameters<TimerRepository['rebuild']>[0]> = {}): Promise<void> {
    const partition = over.partition ?? 0
    const before = await this.repository.position(partition)
    await this.repository.rebuild({
      partition,
      dataId: 'a',
      first: 1,
      clearFrom: over.first ?? 1,
      term: undefined,
      gap: undefined,
      replaces: before?.build,
      ...over,
    })
    const position = await this.repository.position(partition)
    this.build = position?.build ?? ''
  }

  /** One batch; its place is the last event's unless given. */
  async apply(events: readonly LoggedEvent[], over: Partial<ProjectedBatch> = {}): Promise<boolean> {
    const newest = new Map(events.map((event) => [event.timer.timerId + '/' + event.timer.tenantId, event]))
    const last = events.at(-1)
    return await this.repository.apply({
      partition: last?.partition ?? 0,
      dataId: 'a',
      build: this.build,
      newest: [...newest.values()],
      events,
      poison: [],
      place: { sequence: last?.sequence ?? 1, term: 't1', storedAtMs: baseMs },
      ...over,
    })
  }

  async ids(over: Partial<ListQuery> = {}): Promise<string[]> {
    const { items } = await this.repository.list({ ...list, ...over })
    return items.map(({ timerId }) => timerId)
  }

  async versions(timerId: string, tenantId = 'default'): Promise<number[]> {
    const query = { tenantId, timerId, afterVersion: 0, limit: 500 }
    const { items } = await this.repository.timerEvents(0, query)
    return items.map(({ timer }) => timer.version)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.repository[Symbol.asyncDispose]()
  }
}

/** Runs the same tests on both rooms; mongo/ with a real mongod. */
export function onBothRooms(name: string, tests: (open: () => Promise<Subject>) => void): void {
  const noMongod = process.env['MONGOD'] === undefined && 'there is no mongod'
  describe(`${name} in mongo/`, { skip: noMongod }, () => {
    let mongod: Mongod
    let client: MongoClient
    before(async () => {
      mongod = await startMongod()
      client = new MongoClient(mongod.uri)
    })
    after(async () => {
      await client.close()
      await mongod[Symbol.asyncDispose]()
    })
    tests(async () => {
      await emptyDatabase(client.db())
      return await openMongo(mongod.uri)
    })
  })
  describe(`${name} in file/`, () => {
    tests(openFile)
  })
}

/** Begun, when MongoDB is there. */
export async function openMongo(uri: string, options: { readonly lookMost?: number } = {}): Promise<Subject> {
  const database = new Database({ uri, name: 'test' }, { logger })
  const subject = new Subject(new MongoTimerRepository(database, options))
  await eventually(() => {
    assert.ok(subject.repository.health().ready)
  })
  await subject.begin()
  return subject
}

async function openFile(): Promise<Subject> {
  const directory = await mkdtemp(join(tmpdir(), 'timers-file-'))
  const repository = await FileTimerRepository.open(
    { directory },
    { clock: createSystemClock(), logger, onSaveFailure: () => undefined },
  )
  const subject = new Subject(repository)
  const dispose = subject[Symbol.asyncDispose].bind(subject)
  subject[Symbol.asyncDispose] = async () => {
    await dispose()
    await rm(directory, { recursive: true })
  }
  await subject.begin()
  return subject
}

export function at(
  sequence: number,
  timerId: string,
  version: number,
  over: Partial<LoggedEvent> = {},
): LoggedEvent {
  return makeEvent({ sequence, timer: makeTimer({ timerId, version }), type: 'updated', ...over })
}
