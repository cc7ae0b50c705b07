// A Beat before an answer, on a real nats-server: what an owner that stood still may tell, and when it has to ask
// its log first.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { GetOutcome } from '../src/partition/reads.ts'
import { eventually } from './eventually.ts'
import { TestClock } from './test-clock.ts'
import { idsOf, newSession, put, sent, tenantId, World, type Node } from './world.ts'

describe('after a pause', () => {
  let world: World
  /** Each test has its own log. */
  let partition = 0
  before(async () => {
    world = await World.start()
  })
  after(async () => {
    await world[Symbol.asyncDispose]()
  })
  const owning = (clock: TestClock): Promise<Node> => {
    partition += 1
    return world.node('a', partition, clock)
  }
  const begin = async (owner: Node): Promise<{ session: string; timerId: string }> => {
    const [timerId = ''] = idsOf(partition, 1)
    const session = newSession()
    await owner.partition.acquire()
    await owner.done(session, sent(timerId, 1, put(1000)))
    return { session, timerId }
  }
  const get = (node: Node, timerId: string): Promise<GetOutcome> =>
    node.partition.get({ tenantId, timerId, afterVersion: undefined, waitMs: 0 })
  const kinds = async (): Promise<string[]> =>
    (await world.records(partition)).map(({ record }) => record.body.kind)

  it('an owner asks its log once for all that wait, and answers', async () => {
    const clock = new TestClock()
    await using owner = await owning(clock)
    const { session, timerId } = await begin(owner)
    clock.wallAheadMs = 10_000
    const [read, none, command] = await Promise.all([
      get(owner, timerId),
      get(owner, 'none'),
      owner.result(session, sent('none', 2, { op: 'start' })),
    ])
    assert.equal(read.kind, 'found')
    assert.equal(none.kind === 'refused' && none.refusal.code, 'not_found')
    assert.equal(!command.ok && command.refusal.code, 'not_found')
    assert.deepEqual(await kinds(), ['takeover', 'batch', 'beat'])
    assert.equal((await get(owner, timerId)).kind, 'found')
    assert.deepEqual(await kinds(), ['takeover', 'batch', 'beat'])
  })

  it('one that was replaced meanwhile tells nothing of what it knew', async () => {
    const clock = new TestClock()
    await using owner = await owning(clock)
    const { session, timerId } = await begin(owner)
    await using b = await world.node('b', partition)
    await b.partition.acquire()
    await b.done(session, sent(timerId, 2, put(2000)))
    await b.done(session, sent('other', 3, put(3000)))
    clock.wallAheadMs = 10_000
    owner.mine = false
    const told = await Promise.all([get(owner, timerId), get(owner, 'other')])
    for (const outcome of told) assert.equal(outcome.kind, 'notOwner')
    assert.equal(owner.partition.closed, true)
  })

  it('the one that replaced it answered nothing before the other could not any more', async () => {
    await using owner = await owning(new TestClock())
    const { session, timerId } = await begin(owner)
    await using b = await world.node('b', partition)
    await b.partition.acquire()
    owner.mine = false
    let changed = false
    const changing = b.done(session, sent(timerId, 2, put(2000))).then(() => (changed = true))
    const told = { before: 0, after: 0 }
    await eventually(async () => {
      const when = changed ? 'after' : 'before'
      const read = await get(owner, timerId)
      if (read.kind === 'found' && read.timer.version === 1) told[when] += 1
      assert.ok(changed && owner.partition.closed)
    })
    await changing
    assert.ok(told.before > 0)
    assert.equal(told.after, 0, 'it told an old state after the change was answered')
  })
})
