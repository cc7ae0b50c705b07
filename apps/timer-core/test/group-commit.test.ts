// Group commit, on a real nats-server: what goes into one record, when its commands are answered, and what a
// full log refuses.

import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { after, before, describe, it } from 'node:test'
import type { Operation } from '@timers/shared/timer/command.ts'
import { eventually } from './eventually.ts'
import { TestClock } from './test-clock.ts'
import { add, idsOf, newSession, put, sent, World } from './world.ts'

describe('group commit', () => {
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

  it('answers nothing and shows nothing before the log has said that it has it', async () => {
    const { session, ids } = begin()
    const [timerId = ''] = ids
    await using a = await world.node('a', partition)
    await a.partition.acquire()
    await a.done(session, sent(timerId, 1, put(1000)))

    a.link.holdAnswers()
    const { stored } = await world.watch(partition)
    let answered = 0
    const group = a.submit(session, [sent(timerId, 2, add(1)), sent(timerId, 3, { op: 'pause' })])
    const others = [
      a.submit(session, [sent(timerId, 4, put(1), { ifAbsent: true })]),
      a.submit(session, [sent('none', 5, { op: 'start' })]),
    ]
    for (const outcome of [group, ...others]) void outcome.then(() => (answered += 1))
    const sequence = await stored
    for (let i = 0; i < 20; i += 1) await turn()
    assert.equal(answered, 0)
    const read = await a.partition.get({ tenantId: 'default', timerId, afterVersion: undefined, waitMs: 0 })
    assert.ok(read.kind === 'found')
    assert.equal(read.timer.version, 1)

    a.link.release()
    const { results } = await group
    const [one, two] = results.map(({ result }) => result)
    assert.ok(one?.ok && two?.ok)
    assert.deepEqual([one.type, one.timer.version, one.sequence], ['adjusted', 2, sequence])
    assert.deepEqual([two.type, two.timer.version], [null, 2])
    const codes = (await Promise.all(others)).map(({ results: [only] }) => {
      assert.ok(only?.result.ok === false)
      return only.result.refusal.code
    })
    assert.deepEqual(codes, ['already_exists', 'not_found'])
  })

  it('gathers what comes while a record is on its way, and makes one record of it', async () => {
    const { session, ids } = begin()
    await using a = await world.node('a', partition)
    await a.partition.acquire()

    // One turn of the loop brings them: one record.
    const group = await a.submit(
      session,
      ids.map((timerId, i) => sent(timerId, i + 1, put(1000))),
    )
    assert.equal(group.results.length, ids.length)
    assert.deepEqual(a.appended, [ids.length])

    // One after the other, turn by turn, behind a record that flies: one record.
    a.link.holdAnswers()
    const { stored } = await world.watch(partition)
    const flying = a.submit(session, [sent(ids[0] ?? '', 1000, add(1))])
    await stored
    const waiting = ids.map(async (timerId, i) => {
      for (let turns = 0; turns < i % 7; turns += 1) await turn()
      return a.done(session, sent(timerId, 2000 + i, add(1)))
    })
    for (let i = 0; i < 20; i += 1) await turn()
    a.link.release()
    await flying
    const sequences = new Set((await Promise.all(waiting)).map(({ sequence }) => sequence))
    assert.deepEqual(a.appended, [ids.length, 1, ids.length])
    assert.equal(sequences.size, 1)
    const bodies = (await world.records(partition)).map(({ record: { body } }) =>
      body.kind === 'batch' ? body.events.length : body.kind,
    )
    assert.deepEqual(bodies, ['takeover', ids.length, 1, ids.length])
  })

  it('keeps a record below what a broker takes, in order, whatever waits', async () => {
    const { session, ids } = begin()
    await using a = await world.node('a', partition)
    await a.partition.acquire()
    const metadata = JSON.stringify({ text: 'ä'.repeat(1300) })
    const commands = Array.from({ length: 300 }, (_, i) =>
      sent(ids[i % ids.length] ?? '', i + 1, put(1000, { metadata })),
    )
    const { results } = await a.submit(session, commands)
    assert.ok(results.every(({ result }) => result.ok))
    assert.ok(a.appended.length > 1)
    const events = await world.events(partition)
    assert.deepEqual(
      events.map(({ n }) => n),
      commands.map(({ n }) => n),
    )
  })

  it('refuses what a full log does not take and loses nothing; what was due fires when there is room', async () => {
    const { session, ids } = begin()
    const [ticking = '', small = '', ...others] = ids
    const clock = new TestClock()
    await using a = await world.node('a', partition, clock)
    await a.partition.acquire()
    await a.done(session, sent(ticking, 1, put(20_000, { autostart: true, title: 'x'.repeat(200) })))
    await a.done(session, sent(small, 2, put(1000)))
    await world.setMaxBytes(partition, 64 * 1024)
    const taken = [1, 2]
    let n = 2
    /** The code of the first refusal. */
    const fill = async (next: () => [timerId: string, operation: Operation]): Promise<[string, string]> => {
      for (;;) {
        n += 1
        const [timerId, operation] = next()
        const result = await a.result(session, sent(timerId, n, operation))
        if (!result.ok) return [timerId, result.refusal.code]
        assert.ok(taken.push(n) < 500, 'it is never full')
      }
    }
    const metadata = JSON.stringify({ text: 'x'.repeat(4000) })
    const [refused, code] = await fill(() => [others.pop() ?? '', put(60_000, { metadata })])
    assert.equal(code, 'log_full')
    assert.equal(a.partition.state.get('default', refused), undefined)
    // Until what is left does not take the firing either.
    assert.equal((await fill(() => [small, { op: 'update', title: `${n}` }]))[1], 'log_full')
    const inLog = async (): Promise<number[]> =>
      (await world.events(partition)).filter(({ session }) => session !== '').map(({ n }) => n)
    assert.deepEqual(await inLog(), taken)
    // Whether the node has asked the broker since decides how far it went; now there is no room at all.
    await world.setMaxBytes(partition, await world.bytes(partition))

    clock.aheadMs = 20_000
    const soon = { notAfterMs: clock.nowMs() + 15_000 }
    for (let tries = 0; tries < 3; tries += 1) {
      n += 1
      const result = await a.result(session, sent(ticking, n, { op: 'pause' }, soon))
      assert.equal(!result.ok && result.refusal.code, 'log_full')
    }
    assert.equal(a.partition.state.get('default', ticking)?.state, 'running')
    assert.equal(a.partition.state.overdue(clock.nowMs()), 1)
    assert.equal(a.partition.serving, true)

    await world.setMaxBytes(partition, 32 * 1024 * 1024)
    const fired = await eventually(() => {
      const timer = a.partition.state.get('default', ticking)
      assert.ok(timer?.state === 'completed')
      return timer
    })
    assert.equal(fired.completedBy, 'fire')
    assert.ok(fired.completedAtMs > fired.deadlineMs)
    assert.deepEqual(a.latenessMs, [fired.completedAtMs - fired.deadlineMs])
    await a.done(session, sent(small, n + 1, { op: 'update', title: 'after' }, soon))
    assert.deepEqual(await inLog(), [...taken, n + 1])
    const fires = (await world.events(partition)).filter(({ session }) => session === '')
    assert.deepEqual(
      fires.map(({ type, timer, cause }) => [type, timer.timerId, cause.requestId]),
      [['completed', ticking, 'r-1']],
    )
    assert.equal(new Set((await world.records(partition)).map(({ record }) => record.term)).size, 1)
  })
})
