// The fence, on a real nats-server: who may append, and what becomes of commands when owners change or answers
// are lost.

import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { after, before, describe, it } from 'node:test'
import type { Done } from '@timers/shared/timer/results.ts'
import { eventually } from './eventually.ts'
import { add, idsOf, newSession, put, sent, World } from './world.ts'

describe('the fence', () => {
  let world: World
  /** Each test has its own log. */
  let partition = 0
  before(async () => {
    world = await World.start()
  })
  after(async () => {
    await world[Symbol.asyncDispose]()
  })
  const begin = (): { session: string; ids: string[] } => {
    partition += 1
    return { session: newSession(), ids: idsOf(partition, 100) }
  }

  it('takes nothing more from an owner that was replaced; its callers are sent to the new one', async () => {
    const { session, ids } = begin()
    const [timerId = ''] = ids
    await using a = await world.node('a', partition)
    await using b = await world.node('b', partition)
    await a.partition.acquire()
    await a.done(session, sent(timerId, 1, put(1000)))
    await b.partition.acquire()

    // It has not heard of it: it stages, and learns it from the log.
    assert.equal(a.partition.serving, true)
    a.mine = false
    const command = sent(timerId, 2, add(500))
    const late = sent(timerId, 3, add(50))
    const [outcome, unstaged] = await Promise.all([a.submit(session, [command]), a.submit(session, [late])])
    for (const { results, unanswered, owner } of [outcome, unstaged]) {
      assert.deepEqual([results, unanswered.length], [[], 1])
      assert.notEqual(owner, 'a')
    }
    assert.equal(outcome.mayBeDone, true)
    assert.equal(a.partition.closed, true)
    assert.equal(a.partition.state.get('default', timerId)?.remainingMs, 1000)
    assert.equal((await world.events(partition)).length, 1)

    const done = await b.done(session, command)
    assert.equal(done.timer.remainingMs, 1500)
    assert.deepEqual(
      (await world.events(partition)).map(({ owner, n }) => [owner, n]),
      [
        ['a', 1],
        ['b', 2],
      ],
    )
    // What it tried is not even stored.
    assert.equal((await world.records(partition)).length, 4)
  })

  it('lets the one that placement names come back, and carries out what waited there, once', async () => {
    const { session, ids } = begin()
    const [timerId = ''] = ids
    await using a = await world.node('a', partition)
    await using b = await world.node('b', partition)
    await a.partition.acquire()
    await a.done(session, sent(timerId, 1, put(1000)))
    await b.partition.acquire()
    await b.done(session, sent(timerId, 2, add(100)))
    b.mine = false

    const done = await a.done(session, sent(timerId, 3, add(10)))
    assert.deepEqual([done.timer.version, done.timer.remainingMs], [3, 1110])
    assert.equal((await a.done(session, sent(timerId, 4, add(1)))).timer.remainingMs, 1111)
    const events = await world.events(partition)
    assert.deepEqual(
      events.map(({ owner, n }) => `${owner}${n}`),
      ['a1', 'b2', 'a3', 'a4'],
    )
    const terms = new Set((await world.records(partition)).map(({ record }) => record.term))
    assert.equal(terms.size, 3)
  })

  it('finds in the log the change whose acknowledgement was lost', async () => {
    const { session, ids } = begin()
    const [timerId = ''] = ids
    await using a = await world.node('a', partition)
    await a.partition.acquire()
    await a.done(session, sent(timerId, 1, put(1000)))

    a.link.holdAnswers()
    const { stored } = await world.watch(partition)
    const waiting = a.submit(session, [sent(timerId, 2, add(500)), sent(timerId, 3, add(50))])
    const sequence = await stored
    a.link.cut()
    const { results } = await waiting
    assert.deepEqual(
      results.map(({ n, result }) => result.ok && [n, result.type, result.timer.version, result.sequence]),
      [
        [2, 'adjusted', 2, sequence],
        [3, 'adjusted', 3, sequence],
      ],
    )
    assert.equal(a.partition.state.get('default', timerId)?.remainingMs, 1550)
    assert.equal((await world.events(partition)).length, 3)
  })

  it('does once the change that never reached the log', async () => {
    const { session, ids } = begin()
    const [timerId = ''] = ids
    await using a = await world.node('a', partition)
    await a.partition.acquire()
    await a.done(session, sent(timerId, 1, put(1000)))

    a.link.holdQuestions()
    const waiting = a.done(session, sent(timerId, 2, add(500)))
    for (let i = 0; i < 20; i += 1) await turn()
    a.link.cut()
    assert.equal((await waiting).timer.remainingMs, 1500)
    assert.equal((await world.events(partition)).length, 2)
  })

  it('builds nothing on a connection that its Takeover did not go out on', async () => {
    const { session, ids } = begin()
    const [timerId = ''] = ids
    await using a = await world.node('a', partition)
    await a.partition.acquire()
    const { term } = a.partition
    a.link.cut()
    await eventually(() => {
      assert.notEqual(a.partition.term, term)
    })
    await a.done(session, sent(timerId, 1, put(1000)))
    const terms = (await world.records(partition)).map(({ record }) => record.term)
    assert.deepEqual(terms, [term, a.partition.term, a.partition.term])
  })

  it('takes a command that is sent again once, also when it still waits, and tells the same', async () => {
    const { session, ids } = begin()
    const [timerId = ''] = ids
    await using a = await world.node('a', partition)
    await a.partition.acquire()
    const first = await a.done(session, sent(timerId, 1, put(1000)))
    const command = sent(timerId, 2, add(500))
    const [one, two] = await Promise.all([a.done(session, command), a.done(session, command)])
    assert.deepEqual(told(one), told(two))
    await a.done(session, sent(timerId, 3, add(1)))
    assert.deepEqual(told(await a.done(session, command)), told(one))
    assert.deepEqual(told(await a.done(session, sent(timerId, 1, put(1000)))), told(first))
    assert.equal((await world.events(partition)).length, 3)

    // Another caller's n means another command.
    assert.equal((await a.done(newSession(), command)).timer.remainingMs, 2001)
  })

  it('does not do again what waits at one owner, and another has done and its sender forgotten', async () => {
    const { session, ids } = begin()
    const [timerId = ''] = ids
    await using a = await world.node('a', partition)
    await using b = await world.node('b', partition)
    await a.partition.acquire()
    await a.done(session, sent(timerId, 1, put(1000)))
    await b.partition.acquire()
    const command = sent(timerId, 2, add(500))
    await b.done(session, command)
    b.mine = false

    // It learns from the log that it was replaced, and stands back for a while, with the command in hand.
    const waiting = a.submit(session, [command])
    await eventually(() => {
      assert.equal(a.partition.state.get('default', timerId)?.version, 2)
    })
    const next = await a.submit(session, [sent(timerId, 3, add(1))], 3)
    const [result] = next.results
    assert.equal(result?.result.ok && result.result.timer.remainingMs, 1501)
    await waiting
    assert.equal((await world.events(partition)).length, 3)
  })

  it('takes it once across owners too', async () => {
    const { session, ids } = begin()
    const [timerId = ''] = ids
    await using a = await world.node('a', partition)
    await a.partition.acquire()
    const created = await a.done(session, sent(timerId, 1, put(1000)))
    const command = sent(timerId, 2, add(500))

    // The record is there, its answer is not; whoever sent it asks the next owner.
    a.link.holdAnswers()
    const { stored } = await world.watch(partition)
    const waiting = a.submit(session, [command])
    const sequence = await stored
    await using b = await world.node('b', partition)
    await b.partition.acquire()
    assert.deepEqual(told(await b.done(session, sent(timerId, 1, put(1000)))), told(created))
    const done = await b.done(session, command)
    assert.deepEqual([done.timer.version, done.timer.remainingMs, done.sequence], [2, 1500, sequence])

    // The one that lost it finds it in the log as well: an answer that is true, whoever gives it.
    a.mine = false
    a.link.cut()
    const outcome = await waiting
    const [late] = outcome.results
    if (late === undefined) assert.deepEqual([outcome.unanswered, outcome.mayBeDone], [[2], true])
    else assert.deepEqual(late.result.ok && late.result.sequence, sequence)
    assert.equal((await world.events(partition)).length, 2)
  })
})

/** What a caller gets of it. */
function told({ type, timer, partition, sequence }: Done): object {
  return { type, timer, partition, sequence }
}
