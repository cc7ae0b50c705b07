// The projection on a real nats-server and a real mongod: it follows, it catches up, it starts over where it must.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { recordFormat } from '@timers/shared/log/record.ts'
import { batchRecord, idsOf, takeoverRecord } from './events.ts'
import { eventually } from './eventually.ts'
import { of, partitionCount, upTo, World } from './world.ts'

const noMongod = process.env['MONGOD'] === undefined && 'there is no mongod'
const [id0 = '', second0 = ''] = idsOf(0, partitionCount, 2)
const [id1 = ''] = idsOf(1, partitionCount, 1)

describe('projection', { skip: noMongod }, () => {
  let world: World
  before(async () => {
    world = await World.start()
  })
  after(async () => {
    await world[Symbol.asyncDispose]()
  })

  it('follows the logs into documents, audit and positions, and answers from them', async () => {
    const dataId = await world.begin()
    await using node = await world.startNode('p1')
    await node.ready()
    const nowMs = Date.now()
    await world.append(0, batchRecord('t1', [of(id0, 1), of(second0, 1), of(id0, 2)], nowMs))
    await world.append(1, batchRecord('t1', [of(id1, 1)], nowMs))
    await world.append(0, batchRecord('t1', [of(second0, 2, 'deleted')], nowMs))
    await node.caughtUp([0, 3], [1, 2])

    const page = await node.list()
    assert.deepEqual(
      page.timers.map(({ timerId, version, title }) => [timerId, version, title]),
      [
        [id0, 2, 'v2'],
        [id1, 1, 'v1'],
      ].toSorted(),
    )
    assert.ok(page.asOfMs > nowMs - 5000 && page.asOfMs <= Date.now() + 1000, `as of ${page.asOfMs}`)
    assert.deepEqual((await node.stats()).byState, { idle: 0, running: 2, paused: 0, completed: 0 })
    assert.deepEqual((await node.list({ tenantId: 'other' })).timers, [])
    const history = await node.events(second0)
    assert.deepEqual(
      history.events.map((event) => [event.type, event.sequence, event.index, event.occurredAtMs, event.gap]),
      [
        ['updated', 2, 1, nowMs, false],
        ['deleted', 3, 0, nowMs, false],
      ],
    )
    const first = await node.feed({ limit: 2 })
    const rest = await node.feed({ after: first.next })
    assert.deepEqual(
      [...first.events, ...rest.events].map((event) => `${event.partition}_${event.sequence}_${event.index}`),
      ['0_2_0', '0_2_1', '0_2_2', '1_2_0', '0_3_0'],
    )
    assert.deepEqual([first.more, rest.more], [true, false])
    assert.deepEqual((await node.feed({ after: rest.next })).events, [])

    const [position] = await world.documents('positions')
    assert.deepEqual([position?.['dataId'], position?.['sequence'], position?.['term']], [dataId, 3, 't1'])
    await eventually(async () => {
      assert.deepEqual(await world.readerPosition(0), { dataId, sequence: 3 })
    })
  })

  it('serves a list that waits for a position, and refuses one that is not reached in 2 s', async () => {
    await world.begin()
    await using node = await world.startNode('p1')
    await node.caughtUp([0, 1])
    const waiting = node.list({ atLeast: [{ partition: 0, sequence: 2 }] })
    await world.append(0, batchRecord('t1', [of(id0, 1)]))
    assert.equal((await waiting).timers.length, 1)
    const startedAtMs = performance.now()
    await assert.rejects(node.list({ atLeast: [{ partition: 0, sequence: 9 }] }), /UNAVAILABLE/)
    const tookMs = performance.now() - startedAtMs
    assert.ok(tookMs > 1900 && tookMs < 3500, `${tookMs} ms`)
    const none = [{ partition: partitionCount, sequence: 1 }]
    await assert.rejects(node.list({ atLeast: none }), /INVALID_ARGUMENT/)
    await assert.rejects(node.list({ tenantId: '$ne' }), /INVALID_ARGUMENT/)
    await assert.rejects(node.feed({ limit: 501 }), /INVALID_ARGUMENT/)
  })

  it('goes on after a restart where it was, each event once', async () => {
    await world.begin()
    for (const stopAt of [40, 90]) {
      await using node = await world.startNode('p1')
      await world.appendVersions(0, id0, stopAt === 40 ? 1 : 41, stopAt)
      // Wherever it is by now.
      await eventually(async () => {
        assert.ok((await world.storedSequence(0)) > stopAt - 40)
      })
      await node.stop()
    }
    await world.appendVersions(0, id0, 91, 120)
    await using node = await world.startNode('p1')
    await node.caughtUp([0, 121])
    assert.deepEqual(await world.versionsOf(id0), [120, upTo(120)])
    assert.equal(await node.metric('timers_projection_rebuilds_total'), 0)
  })

  it('loses nothing and doubles nothing when mongod is killed and comes back; refuses at once meanwhile', async () => {
    await world.begin()
    await using node = await world.startNode('p1')
    await node.ready()
    await world.appendVersions(0, id0, 1, 50)
    await world.mongod.kill()
    await world.appendVersions(0, id0, 51, 100)
    await eventually(async () => {
      assert.equal((await node.readiness()).ready, false)
    })
    const startedAtMs = performance.now()
    await assert.rejects(node.list(), /UNAVAILABLE/)
    await assert.rejects(node.feed(), /UNAVAILABLE/)
    await assert.rejects(node.events(id0), /UNAVAILABLE/)
    await assert.rejects(node.stats(), /UNAVAILABLE/)
    assert.ok(performance.now() - startedAtMs < 500, 'refused at once')
    await world.mongod.restart()
    await world.appendVersions(0, id0, 101, 150)
    await node.ready()
    await node.caughtUp([0, 151])
    assert.deepEqual(await world.versionsOf(id0), [150, upTo(150)])
  })

  it('goes on when nats-server is killed and comes back, and is not ready meanwhile', async () => {
    await world.begin()
    await using node = await world.startNode('p1')
    await node.ready()
    await world.appendVersions(0, id0, 1, 20)
    await world.nats.kill()
    await eventually(async () => {
      assert.equal((await node.readiness()).ready, false)
    })
    await world.nats.restart()
    await eventually(() => world.connection.flush())
    await world.appendVersions(0, id0, 21, 40)
    await node.ready()
    await node.caughtUp([0, 41])
    assert.deepEqual(await world.versionsOf(id0), [40, upTo(40)])
    assert.equal(await node.metric('timers_projection_rebuilds_total{why="log'), 0)
  })

  it('starts without MongoDB, is not ready, and becomes so when it comes', async () => {
    await world.begin()
    await world.mongod.kill()
    await world.append(0, batchRecord('t1', [of(id0, 1)]))
    await using node = await world.startNode('p1')
    assert.deepEqual(await node.readiness(), { ready: false, reasons: ['MongoDB is not reachable'] })
    await assert.rejects(node.list(), /UNAVAILABLE/)
    await world.mongod.restart()
    await node.ready()
    await node.caughtUp([0, 2])
    assert.equal((await node.list()).timers.length, 1)
  })

  it('two nodes that read the same partitions do each other no harm', async () => {
    await world.begin()
    // Of one name: each believes that every partition is its own.
    await using one = await world.startNode('twin')
    await using two = await world.startNode('twin')
    await world.appendVersions(0, id0, 1, 200)
    await one.caughtUp([0, 201])
    await two.caughtUp([0, 201])
    assert.deepEqual(await world.versionsOf(id0), [200, upTo(200)])
    assert.equal(await one.metric('timers_projection_partitions'), partitionCount)
    assert.equal(await two.metric('timers_projection_partitions'), partitionCount)
  })

  it('shares the partitions between two nodes, and the one that stays takes over', async () => {
    await world.begin()
    await using stays = await world.startNode('p1')
    const leaves = await world.startNode('p2')
    const share = (): Promise<number> => stays.metric('timers_projection_partitions')
    await eventually(async () => {
      const shares = [await share(), await leaves.metric('timers_projection_partitions')]
      assert.equal((shares[0] ?? 0) + (shares[1] ?? 0), partitionCount)
    })
    await leaves.stop()
    await eventually(async () => {
      assert.equal(await share(), partitionCount)
    })
    for (const partition of [0, 1, 2, 3]) {
      const [id = ''] = idsOf(partition, partitionCount, 1)
      await world.append(partition, batchRecord('t1', [of(id, 1)]))
    }
    await stays.caughtUp([0, 2], [1, 2], [2, 2], [3, 2])
    assert.equal((await stays.list()).timers.length, 4)
  })

  it('skips records of a term that is not in force, and sets aside what is no record', async () => {
    const dataId = await world.begin()
    await using node = await world.startNode('p1')
    await world.append(0, batchRecord('t1', [of(id0, 1)]))
    await world.append(0, takeoverRecord('t2', dataId, partitionCount))
    await world.append(0, batchRecord('t1', [of(id0, 7), of(second0, 1)]))
    await world.append(0, new Uint8Array([255, 255, 255]))
    await world.append(0, batchRecord('t2', [of(id0, 2)]))
    await node.caughtUp([0, 6])
    assert.deepEqual(await world.versionsOf(id0), [2, [1, 2]])
    assert.deepEqual(await world.versionsOf(second0), [undefined, []])
    assert.equal(await node.metric('timers_projection_records_total{outcome="skipped"'), 1)
    assert.equal(await node.metric('timers_projection_records_total{outcome="poison"'), 1)
    const [poison] = await world.documents('poison')
    assert.equal(poison?.['_id'], '0_5')
    // The term travels with the position.
    await node.stop()
    await using again = await world.startNode('p1')
    await world.append(0, batchRecord('t2', [of(id0, 3)]))
    await again.caughtUp([0, 7])
    assert.deepEqual(await world.versionsOf(id0), [3, [1, 2, 3]])
  })

  it('does not read past a format it does not know', async () => {
    await world.begin()
    await using node = await world.startNode('p1')
    await world.append(0, batchRecord('t1', [of(id0, 1)]))
    await node.caughtUp([0, 2])
    await world.append(0, { ...batchRecord('t1', [of(id0, 2)]), format: recordFormat + 1 })
    await eventually(async () => {
      assert.ok((await node.metric('timers_projection_failures_total')) >= 2)
    })
    assert.equal(await world.storedSequence(0), 2)
    assert.ok((await node.metric('timers_projection_lag_seconds')) > 0)
  })
})
