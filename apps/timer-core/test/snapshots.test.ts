// Snapshots on a real nats-server: taken by themselves while a partition serves, the log cut behind them, and the
// partition taken over from them, also when one of them is broken.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ReaderPositions } from '@timers/shared/nats/reader-positions.ts'
import { DamagedLogError } from '../src/partition/ledger.ts'
import type { PartitionState } from '../src/partition/state.ts'
import { eventually } from './eventually.ts'
import { add, idsOf, newSession, put, sent, tenantId, World, type Node } from './world.ts'

describe('snapshots', () => {
  let world: World
  let readers: ReaderPositions
  /** Each test has its own log. */
  let partition = 0
  let ids: string[] = []
  let n = 0
  const session = newSession()
  before(async () => {
    world = await World.start()
    readers = new ReaderPositions(world.cluster, world)
    await readers.remove('persistence')
    // Due at once, and nobody waits.
    world.snapshots = { ...world.snapshots, rules: { leastBytes: 20_000, settleMs: 0, lookEveryMs: 20 } }
  })
  after(async () => {
    await world[Symbol.asyncDispose]()
  })

  const begin = (): void => {
    partition += 1
    ids = idsOf(partition, 300)
  }
  const write = async (node: Node, timers: number): Promise<void> => {
    const commands = ids.slice(0, timers).map((id, i) => {
      n += 1
      return sent(id, n, put(100_000 + i, { autostart: i % 3 === 0, title: `${n}` }))
    })
    const { results } = await node.submit(session, commands)
    assert.ok(results.length === timers && results.every(({ result }) => result.ok))
  }
  const taken = async (): Promise<number[]> => {
    const records = await world.records(partition)
    return records.flatMap(({ record: { body } }) => (body.kind === 'snapshotTaken' ? [body.sequence] : []))
  }
  /** Until the log begins behind the snapshot before the newest. */
  const writeUntilCut = async (node: Node): Promise<number> => {
    return await eventually(async () => {
      await write(node, 100)
      const [first] = await world.records(partition)
      assert.ok(first !== undefined && first.sequence > 1)
      return first.sequence
    })
  }
  const contents = (state: PartitionState): unknown =>
    [...state.timersOf(tenantId)]
      .map((timer) => ({ ...timer, setBy: state.deadlineSetBy(tenantId, timer.timerId) }))
      .sort((one, other) => (one.timerId < other.timerId ? -1 : 1))

  it('are taken by themselves, the log is cut behind the last but one, and whoever comes has all', async () => {
    begin()
    await using a = await world.node('a', partition)
    await a.partition.acquire()
    // Not written again: it is in snapshots only.
    await write(a, 300)
    const [old = ''] = ids.slice(-1)
    const first = await writeUntilCut(a)
    const records = await world.records(partition)
    assert.equal(records[0]?.sequence, first)
    const sequences = await taken()
    assert.ok(sequences.length >= 1)
    // Every record says which snapshot was the newest.
    let newest = records[0].record.snapshotAt
    for (const { record } of records) {
      if (record.body.kind === 'snapshotTaken') newest = record.body.sequence
      assert.equal(record.snapshotAt, newest)
    }
    await using b = await world.node('b', partition)
    a.mine = false
    await b.partition.acquire()
    assert.deepEqual(contents(b.partition.state), contents(a.partition.state))
    assert.equal((await b.done(session, sent(old, (n += 1), add(1)))).timer.version, 2)
    assert.deepEqual(b.troubles, [])
  })

  it('below the cut are removed, those that are needed stay', async () => {
    begin()
    await using a = await world.node('a', partition)
    await a.partition.acquire()
    await writeUntilCut(a)
    await writeUntilCut(a)
    await eventually(async () => {
      const [first] = await world.records(partition)
      const listed = await world.snapshots.store.list(partition)
      assert.ok(listed.length > 0 && listed.every((sequence) => sequence >= (first?.sequence ?? 0) - 1))
      assert.ok(listed.includes(a.partition.ledger.snapshotAt))
    })
  })

  it('that are broken are not used: the one before and more of the log are', async () => {
    begin()
    await using a = await world.node('a', partition)
    await a.partition.acquire()
    await writeUntilCut(a)
    const { snapshotAt, snapshotBefore } = a.partition.ledger
    assert.ok(snapshotBefore > 0)
    const bytes = await world.snapshots.store.read(partition, snapshotAt, 0)
    assert.ok(bytes !== undefined)
    // In a title, where nothing but the CRC tells.
    const at = Buffer.from(bytes).lastIndexOf('title') + 1 || bytes.length - 40
    bytes[at] = (bytes[at] ?? 0) ^ 1
    await world.snapshots.store.write(partition, snapshotAt, 0, bytes)
    a.mine = false
    await using b = await world.node('b', partition)
    await b.partition.acquire()
    assert.deepEqual(contents(b.partition.state), contents(a.partition.state))
    assert.match(b.troubles.join(), new RegExp(`snapshot at ${snapshotAt} is of no use`))
  })

  it('that are all gone leave a log that was cut to nobody', async () => {
    begin()
    {
      await using a = await world.node('a', partition)
      await a.partition.acquire()
      await writeUntilCut(a)
    }
    for (const sequence of await world.snapshots.store.list(partition)) {
      await world.snapshots.store.remove(partition, sequence)
    }
    const last = await world.last(partition)
    await using b = await world.node('b', partition)
    await b.partition.acquire()
    assert.equal(b.partition.closed, true)
    assert.ok(b.fault instanceof DamagedLogError, String(b.fault))
    assert.equal(await world.last(partition), last)
  })

  it('that are gone from a log that was not cut cost time only', async () => {
    begin()
    await readers.enlist('slow')
    await using a = await world.node('a', partition)
    await a.partition.acquire()
    await eventually(async () => {
      await write(a, 100)
      assert.ok((await taken()).length >= 3)
    })
    for (const sequence of await world.snapshots.store.list(partition)) {
      await world.snapshots.store.remove(partition, sequence)
    }
    a.mine = false
    await using b = await world.node('b', partition)
    await b.partition.acquire()
    assert.deepEqual(contents(b.partition.state), contents(a.partition.state))
    await readers.remove('slow')
  })

  it('let the log be cut no further than a listed reader has read', async () => {
    begin()
    await readers.enlist('slow')
    await using a = await world.node('a', partition)
    await a.partition.acquire()
    await eventually(async () => {
      await write(a, 100)
      assert.ok((await taken()).length >= 4)
    })
    assert.equal((await world.records(partition))[0]?.sequence, 1)
    const { dataId } = world.cluster
    await readers.tell('slow', [{ partition, dataId, sequence: 2 }])
    const begins = async (sequence: number): Promise<void> => {
      await eventually(async () => {
        assert.equal((await world.records(partition))[0]?.sequence, sequence)
      })
    }
    await begins(3)
    await readers.remove('slow')
    const { snapshotBefore } = a.partition.ledger
    await begins(snapshotBefore + 1)
  })

  it('are not built upon before the log has named them for long enough', async () => {
    begin()
    const { rules } = world.snapshots
    world.snapshots = { ...world.snapshots, rules: { ...rules, settleMs: 3_600_000 } }
    await using a = await world.node('a', partition)
    world.snapshots = { ...world.snapshots, rules }
    await a.partition.acquire()
    await eventually(async () => {
      await write(a, 100)
      assert.ok((await taken()).length >= 4)
    })
    assert.equal((await world.records(partition))[0]?.sequence, 1)
  })

  it('carry what was answered, so that a command that is sent again to the next owner is not done again', async () => {
    begin()
    const own = newSession()
    const [id = ''] = ids
    await using a = await world.node('a', partition)
    await a.partition.acquire()
    const command = sent(id, 1, put(5000))
    const done = await a.done(own, command)
    ids = ids.slice(1)
    await writeUntilCut(a)
    a.mine = false
    await using b = await world.node('b', partition)
    await b.partition.acquire()
    const again = await b.done(own, command)
    assert.deepEqual([again.type, again.timer, again.sequence], [done.type, done.timer, done.sequence])
    assert.equal(b.partition.state.get(tenantId, id)?.version, 1)
  })
})
