// Logs that cannot be what the service wrote, on a real nats-server: nobody may serve them, or write on.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { recordFormat } from '@timers/shared/log/record.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'
import { DamagedLogError } from '../src/partition/ledger.ts'
import { add, idsOf, newSession, partitionCount, put, recordOf, sent, World } from './world.ts'

describe('a log that cannot be what was written is refused', () => {
  let world: World
  /** Each test has its own log. */
  let partition = 1
  before(async () => {
    world = await World.start()
  })
  after(async () => {
    await world[Symbol.asyncDispose]()
  })

  const refuses = async (why: RegExp): Promise<void> => {
    const last = await world.last(partition)
    await using node = await world.node('late', partition)
    await node.partition.acquire()
    assert.ok(node.fault instanceof DamagedLogError, String(node.fault))
    assert.match(node.fault.message, why)
    assert.equal(node.partition.closed, true)
    assert.equal(await world.last(partition), last, 'it wrote all the same')
    const outcome = await node.submit(newSession(), [sent('x', 1, add(1))])
    assert.deepEqual(outcome.unanswered, [1])
  }
  const written = async (): Promise<{ term: string; timer: Timer }> => {
    partition += 1
    const ids = idsOf(partition, 2)
    await using a = await world.node('a', partition)
    await a.partition.acquire()
    const { timer } = await a.done(newSession(), sent(ids[0] ?? '', 1, put(1000)))
    return { term: a.partition.term, timer }
  }

  it('one that begins after 1 while no snapshot is named', async () => {
    await written()
    await world.cut(partition, 1)
    await refuses(/begins at 2/)
  })

  it('one that has had records and shows none', async () => {
    await written()
    await world.cut(partition, 2)
    await refuses(/ends at 2 and shows no record/)
  })

  it('one that has a newer format', async () => {
    const { term } = await written()
    await world.append(partition, recordOf(term, { kind: 'beat' }, { format: recordFormat + 1 }))
    await refuses(/format/)
  })

  it('one with a record of nonsense', async () => {
    await written()
    await world.append(partition, new Uint8Array([1, 2, 3]))
    await refuses(/cannot be read/)
  })

  it('one that was written for other data', async () => {
    await written()
    const body = { kind: 'takeover', dataId: 'other', partitionCount } as const
    await world.append(partition, recordOf('t', body))
    await refuses(/other data/)
  })

  it('one that holds a timer which hashes elsewhere', async () => {
    const { term, timer } = await written()
    const [elsewhere = ''] = idsOf(partition - 1, 1)
    const cause = { actor: { type: 'operator', id: 'local' }, requestId: 'r' } as const
    const event = {
      type: 'created',
      timer: { ...timer, timerId: elsewhere },
      cause,
      session: '',
      n: 0,
    } as const
    await world.append(partition, recordOf(term, { kind: 'batch', nowMs: Date.now(), events: [event] }))
    await refuses(/hashes elsewhere/)
  })
})
