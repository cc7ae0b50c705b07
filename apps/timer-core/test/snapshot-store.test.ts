// The port to snapshots on a real nats-server.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createSnapshotStore } from '../src/nats/snapshot-store.ts'
import type { SnapshotStore } from '../src/partition/ports.ts'
import { World } from './world.ts'

describe('the store of snapshots', () => {
  let world: World
  let store: SnapshotStore
  before(async () => {
    world = await World.start()
    store = createSnapshotStore(world)
  })
  after(async () => {
    await world[Symbol.asyncDispose]()
  })
  const bytes = (...values: number[]): Uint8Array => new Uint8Array(values)
  const read = async (sequence: number, part: number, partition = 1): Promise<number[] | undefined> => {
    const found = await store.read(partition, sequence, part)
    return found && [...found]
  }

  it('keeps parts by partition, sequence and number; lists and removes whole snapshots', async () => {
    assert.deepEqual(await store.list(1), [])
    await store.write(1, 100, 0, bytes(1))
    await store.write(1, 100, 1, bytes(2))
    await store.write(1, 20, 0, bytes(3))
    await store.write(11, 5, 0, bytes(4))
    assert.deepEqual(await store.list(1), [20, 100])
    assert.deepEqual(await read(100, 1), [2])
    assert.equal(await read(100, 2), undefined)
    await store.remove(1, 100)
    assert.deepEqual(await store.list(1), [20])
    assert.equal(await read(100, 0), undefined)
    assert.deepEqual(await read(5, 0, 11), [4])
  })

  it('has the newer of two of one name', async () => {
    await store.write(2, 7, 0, bytes(1))
    await store.write(2, 7, 0, bytes(2))
    assert.deepEqual(await read(7, 0, 2), [2])
    assert.deepEqual(await store.list(2), [7])
  })
})
