// The log and the stored position do not fit together: that partition is built anew from the log, and what cannot be
// read again is told as a gap.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { batchRecord, idsOf, takeoverRecord } from './events.ts'
import { eventually } from './eventually.ts'
import { of, partitionCount, upTo, World } from './world.ts'

const noMongod = process.env['MONGOD'] === undefined && 'there is no mongod'
const [id0 = '', second0 = ''] = idsOf(0, partitionCount, 2)
const [id1 = ''] = idsOf(1, partitionCount, 1)

describe('rebuild', { skip: noMongod }, () => {
  let world: World
  before(async () => {
    world = await World.start()
  })
  after(async () => {
    await world[Symbol.asyncDispose]()
  })

  /** Partition 0 read up to version 5 of id0, partition 1 to 1 of id1; the node is stopped again. */
  async function readOnce(): Promise<string> {
    const dataId = await world.begin()
    await using node = await world.startNode('p1')
    await world.appendVersions(0, id0, 1, 5)
    await world.append(1, batchRecord('t1', [of(id1, 1)]))
    await node.caughtUp([0, 6], [1, 2])
    return dataId
  }

  it('of other data, while the node runs: nothing of the old stays', async () => {
    await readOnce()
    await using node = await world.startNode('p1')
    await node.caughtUp([0, 6])
    await world.otherData()
    await world.append(0, batchRecord('t1', [of(second0, 1)]))
    await eventually(async () => {
      assert.deepEqual(
        (await node.list()).timers.map(({ timerId }) => timerId),
        [second0],
      )
    }, 30_000)
    assert.deepEqual(await world.versionsOf(id0), [undefined, []])
    assert.deepEqual(await world.versionsOf(id1), [undefined, []])
    assert.deepEqual(await world.versionsOf(second0), [1, [1]])
  })

  it('of other data, longer than the old, while the node is away', async () => {
    await readOnce()
    await world.otherData()
    await world.appendVersions(0, second0, 1, 9)
    await using node = await world.startNode('p1')
    await node.caughtUp([0, 10])
    assert.deepEqual(await world.versionsOf(id0), [undefined, []])
    assert.deepEqual(await world.versionsOf(second0), [9, upTo(9)])
  })

  it('a position beyond the last record: the log lost its tail', async () => {
    const dataId = await readOnce()
    await world.makeStreams()
    await world.append(0, takeoverRecord('t1', dataId, partitionCount))
    await world.appendVersions(0, id0, 1, 2)
    await using node = await world.startNode('p1')
    await eventually(async () => {
      assert.deepEqual(await world.versionsOf(id0), [2, [1, 2]])
    })
    const why = 'timers_projection_rebuilds_total{why="log shorter than read"'
    assert.ok((await node.metric(why)) >= 1)
  })

  it('a log that lost its tail and grew again, while the node runs', async () => {
    const dataId = await readOnce()
    await using node = await world.startNode('p1')
    await node.caughtUp([0, 6])
    await world.makeStreams()
    await world.append(0, takeoverRecord('t1', dataId, partitionCount))
    await world.appendVersions(0, id0, 1, 3)
    await world.append(0, takeoverRecord('t2', dataId, partitionCount))
    await world.append(0, batchRecord('t2', [of(second0, 1)]))
    await world.append(0, batchRecord('t2', [of(id0, 4), of(second0, 2)]))
    await eventually(async () => {
      assert.deepEqual(await world.versionsOf(id0), [4, upTo(4)])
      assert.deepEqual(await world.versionsOf(second0), [2, [1, 2]])
    })
  })

  it('no position: from the first record of the log', async () => {
    await readOnce()
    await world.db.collection<{ _id: number }>('positions').deleteOne({ _id: 0 })
    await world.db.collection('timers').deleteMany({ timerId: id0 })
    await using node = await world.startNode('p1')
    await node.caughtUp([0, 6])
    assert.deepEqual(await world.versionsOf(id0), [5, upTo(5)])
    assert.equal((await node.events(id0)).events[0]?.gap, false)
  })

  it('a log cut ahead of the position: what is older stays, and the gap is told', async () => {
    await readOnce()
    await world.appendVersions(0, id0, 6, 9)
    await world.cutLog(0, 8)
    await using node = await world.startNode('p1')
    await node.caughtUp([0, 10])
    const { events } = await node.events(id0)
    assert.deepEqual(
      events.map(({ timer, gap }) => [timer.version, gap]),
      [...upTo(5).map((version) => [version, false]), [8, true], [9, false]],
    )
    const [gap] = await world.documents('gaps')
    assert.deepEqual([gap?.['partition'], gap?.['from'], gap?.['to']], [0, 7, 8])
  })

  it('a database that is lost while the node runs', async () => {
    await readOnce()
    await using node = await world.startNode('p1')
    await node.caughtUp([0, 6])
    await world.db.dropDatabase()
    await world.append(0, batchRecord('t1', [of(id0, 6)]))
    await eventually(async () => {
      assert.deepEqual(await world.versionsOf(id0), [6, upTo(6)])
    })
    await world.append(1, batchRecord('t1', [of(id1, 2)]))
    await eventually(async () => {
      assert.deepEqual(await world.versionsOf(id1), [2, [1, 2]])
    })
    const indexes = await world.db.collection('timers').indexes()
    assert.ok(indexes.length > 5)
  })
})
