// What only the MongoDB repository does: the order of its writes, unfinished rebuilds, ages, and a mongod that stands
// still or is gone.

import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { MongoClient } from 'mongodb'
import { startMongod } from '@timers/dev/mongod.ts'
import type { Mongod } from '@timers/dev/mongod.ts'
import type { FeedPlace } from '@timers/shared/timer/queries.ts'
import type { PositionDocument } from '../src/mongo/documents.ts'
import { RepositoryUnavailableError } from '../src/projection/repository.ts'
import { emptyDatabase } from './empty-database.ts'
import { eventually } from './eventually.ts'
import { at, list, openMongo } from './repository-subject.ts'

const noMongod = process.env['MONGOD'] === undefined && 'there is no mongod'

describe('MongoTimerRepository', { skip: noMongod }, () => {
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
  beforeEach(() => emptyDatabase(client.db()))

  for (const collection of ['timers', 'events']) {
    it(`leaves the position where it was when ${collection} cannot be written, and can do it all again`, async () => {
      await using subject = await openMongo(mongod.uri)
      await subject.apply([at(1, 'x', 1)])
      await client.db().command({ collMod: collection, validator: { version: { $lt: 2 } } })
      const failed = await subject
        .apply([at(2, 'y', 1), at(2, 'x', 2, { index: 1 })])
        .catch((error: unknown) => error)
      await client.db().command({ collMod: collection, validator: {} })
      assert.ok(failed instanceof RepositoryUnavailableError)
      assert.match(failed.message, /121/)
      assert.equal((await subject.repository.position(0))?.sequence, 1)
      assert.equal(await subject.apply([at(2, 'y', 1), at(2, 'x', 2, { index: 1 })]), true)
      assert.deepEqual(await subject.versions('x'), [1, 2])
      assert.deepEqual(await subject.versions('y'), [1])
    })
  }

  it('looks through a bounded part of the feed at a time, and says how far', async () => {
    await using subject = await openMongo(mongod.uri, { lookMost: 3 })
    await subject.apply([1, 2, 3, 4, 5, 6].map((n) => at(n, n === 6 ? 'wanted' : 'x', n)))
    await subject.begin({ partition: 1 })
    await subject.apply([1, 2, 3, 4].map((n) => at(n, 'y', n, { partition: 1 })))
    const page = async (after: FeedPlace[]) => {
      const query = { tenantId: 'default', after, prefix: 'wanted', limit: 500 }
      const { items, more, lookedUpTo } = await subject.repository.feed(query)
      return [items.map(({ sequence }) => sequence), more, lookedUpTo]
    }
    const from = (...sequences: number[]): FeedPlace[] =>
      sequences.map((sequence, partition) => ({ partition, sequence }))
    assert.deepEqual(await page(from(0, 0)), [[], true, 2])
    assert.deepEqual(await page(from(2, 2)), [[], true, 4])
    assert.deepEqual(await page(from(4, 4)), [[6], false, undefined])
    // The rest of a record that is beyond what is looked at is left for later.
    const rest = { partition: 0, sequence: 6, index: -1 }
    assert.deepEqual(await page([rest, { partition: 1, sequence: 0 }]), [[], true, 4])
  })

  it('finishes a rebuild that somebody began, before anything is read on', async () => {
    await using subject = await openMongo(mongod.uri)
    await subject.apply([at(1, 'x', 5), at(2, 'y', 5)])
    const positions = client.db().collection<PositionDocument>('positions')
    const begun = { build: 'new', sequence: 1, clearFrom: 2, gap: { from: 1, to: 1 } }
    await positions.updateOne({ _id: 0 }, { $set: begun })
    assert.deepEqual(await subject.repository.positions(), [])
    assert.equal((await subject.repository.position(0))?.build, 'new')
    assert.deepEqual(await subject.ids(), ['x'])
    assert.deepEqual(await subject.versions('y'), [])
    assert.equal((await subject.repository.positions()).length, 1)
    assert.equal(await client.db().collection('gaps').countDocuments({ partition: 0, from: 1, to: 1 }), 1)
  })

  it('removes many, and never what the new build has written meanwhile', async () => {
    await using subject = await openMongo(mongod.uri)
    await subject.apply(Array.from({ length: 4500 }, (_, index) => at(2, `t${index}`, 1, { index })))
    const { build } = subject
    await subject.begin()
    await subject.apply([at(2, 'mine', 1)])
    // Another node that is late with the same clearing.
    const positions = client.db().collection<PositionDocument>('positions')
    await positions.updateOne({ _id: 0 }, { $set: { clearFrom: 0 } })
    await subject.repository.position(0)
    assert.notEqual(subject.build, build)
    assert.deepEqual(await subject.ids(), ['mine'])
    assert.equal(await client.db().collection('events').countDocuments(), 1)
  })

  it('lets MongoDB forget deleted timers after 30 days, audit, gaps and poison after 90', async () => {
    await using subject = await openMongo(mongod.uri)
    await subject.apply([at(1, 'x', 1), at(1, 'x', 2, { index: 1, type: 'deleted' })])
    const ages = await Promise.all(
      ['timers', 'events', 'gaps', 'poison'].map(async (name) => {
        const indexes = await client.db().collection(name).indexes()
        const ttl = indexes.find(({ expireAfterSeconds }) => expireAfterSeconds !== undefined)
        const field = Object.keys(ttl?.key ?? {})[0] ?? ''
        return [field, (ttl?.expireAfterSeconds ?? 0) / 86_400]
      }),
    )
    assert.deepEqual(ages, [
      ['deletedAt', 30],
      ['occurredAt', 90],
      ['at', 90],
      ['at', 90],
    ])
    const timer = await client.db().collection('timers').findOne()
    const event = await client.db().collection('events').findOne()
    assert.ok(timer?.['deletedAt'] instanceof Date)
    assert.ok(event?.['occurredAt'] instanceof Date)
  })

  it('gives up on a mongod that stands still, and goes on with it afterwards', async () => {
    await using subject = await openMongo(mongod.uri)
    mongod.pause()
    try {
      const startedAtMs = performance.now()
      await assert.rejects(subject.repository.list(list), RepositoryUnavailableError)
      assert.ok(performance.now() - startedAtMs < 4000)
      await eventually(() => {
        assert.equal(subject.repository.health().ready, false)
      })
      const refusedAtMs = performance.now()
      await assert.rejects(subject.repository.list(list), RepositoryUnavailableError)
      assert.ok(performance.now() - refusedAtMs < 100)
    } finally {
      mongod.resume()
    }
    await eventually(async () => {
      await subject.apply([at(1, 'x', 1)])
      assert.equal((await subject.repository.position(0))?.sequence, 1)
    })
  })
})
