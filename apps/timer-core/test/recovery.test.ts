// Recovery by replay, on a real nats-server: the log alone gives back all that was acknowledged, fires what fell
// due meanwhile, and passes over what does not count.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { seedOf } from '@timers/dev/seed.ts'
import type { RecordEvent } from '@timers/shared/log/record.ts'
import { operation as anyOperation } from '@timers/shared/test/arbitraries.ts'
import type { Operation, SentCommand } from '@timers/shared/timer/command.ts'
import type { Done } from '@timers/shared/timer/results.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'
import fc from 'fast-check'
import type { PartitionState } from '../src/partition/state.ts'
import { eventually } from './eventually.ts'
import { TestClock } from './test-clock.ts'
import { add, idsOf, newSession, put, recordOf, sent, tenantId, World, type Node } from './world.ts'

describe('recovery', () => {
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
  it('gives the same timers, deadlines, floor and results as before, whatever was done', async (t) => {
    const { ids } = begin()
    const clock = new TestClock()
    clock.stoppedAtMs = 1_700_000_000_000
    let before = await world.node('node', partition, clock)
    try {
      await before.partition.acquire()
      const step = fc.record({
        timer: fc.integer({ min: 0, max: 5 }),
        operation: fc.oneof(
          { weight: 4, arbitrary: anyOperation },
          {
            weight: 3,
            arbitrary: fc.integer({ min: 0, max: 5000 }).map((ms) => put(ms, { autostart: true })),
          },
          {
            weight: 2,
            arbitrary: fc.constantFrom<Operation>({ op: 'delete' }, { op: 'pause' }, { op: 'start' }),
          },
        ),
        /** Less than results are kept, all together. */
        passedMs: fc.integer({ min: 0, max: 800 }),
      })
      const run = async (steps: readonly { timer: number; operation: Operation; passedMs: number }[]) => {
        const session = newSession()
        const told: [SentCommand, Done][] = []
        for (const [i, { timer, operation, passedMs }] of steps.entries()) {
          clock.stoppedAtMs = (clock.stoppedAtMs ?? 0) + passedMs
          const notAfterMs = clock.stoppedAtMs + 30_000
          const command = sent(ids[timer] ?? '', i + 1, operation, { notAfterMs })
          const result = await before.result(session, command)
          if (result.ok && result.type !== null) told.push([command, result])
        }
        await nothingDue(before, clock)
        const last = before.partition.sequence
        const after = await world.node('node', partition, clock)
        await before[Symbol.asyncDispose]()
        const held = contents(before.partition.state)
        before = after
        await after.partition.acquire()
        assert.deepEqual(contents(after.partition.state), held)
        for (const [command, done] of told) {
          const { type, timer, sequence } = await after.done(session, { ...command, notAfterMs: 0 })
          assert.deepEqual([type, timer, sequence], [done.type, done.timer, done.sequence])
        }
        assert.equal(await world.last(partition), last + 1, 'there is more than the Takeover')
      }
      const steps = fc.array(step, { minLength: 5, maxLength: 40, size: 'max' })
      await fc.assert(fc.asyncProperty(steps, run), { seed: seedOf(t), numRuns: 25, endOnFailure: true })
    } finally {
      await before[Symbol.asyncDispose]()
    }
  })

  it('fires what fell due while nobody owned it, first, once, and tells how late', async () => {
    const { session, ids } = begin()
    const clock = new TestClock()
    const due = ids.slice(0, 50)
    const [other = '', later = ''] = ids.slice(50)
    {
      await using a = await world.node('a', partition, clock)
      await a.partition.acquire()
      const commands = due.map((timerId, i) => sent(timerId, i + 1, put(30_000 + i, { autostart: true })))
      await a.submit(session, [
        ...commands,
        sent(other, 100, put(5000)),
        sent(later, 101, put(90_000, { autostart: true })),
      ])
    }
    clock.aheadMs = 60_000
    await using b = await world.node('b', partition, clock)
    const notAfterMs = clock.nowMs() + 15_000
    // They are there before it has read the log.
    const [first = ''] = due
    const commands = [sent(first, 200, add(1000), { notAfterMs }), sent(other, 201, add(1), { notAfterMs })]
    const [waiting] = await Promise.all([b.submit(session, commands), b.partition.acquire()])
    const [extended] = waiting.results
    // Judged after the firing: a completed timer that gains time is paused.
    assert.deepEqual(
      extended?.result.ok && [
        extended.result.timer.state,
        extended.result.timer.remainingMs,
        extended.result.timer.version,
      ],
      ['paused', 1000, 3],
    )
    await nothingDue(b, clock)

    const events = await world.events(partition)
    const fires = events.filter(({ cause }) => cause.actor.type === 'clock')
    assert.deepEqual(new Set(fires.map(({ timer }) => timer.timerId)), new Set(due))
    assert.equal(fires.length, due.length)
    for (const { timer, nowMs, type, owner } of fires) {
      assert.deepEqual([type, owner, timer.completedBy], ['completed', 'b', 'fire'])
      assert.ok(timer.state === 'completed' && timer.completedAtMs === nowMs)
      assert.ok(timer.completedAtMs - timer.deadlineMs > 25_000)
    }
    assert.equal(b.latenessMs.length, due.length)
    const order = events.map(({ timer, n }) => (n === 0 ? timer.timerId : `command ${n}`))
    assert.ok(order.indexOf(first) < order.indexOf('command 200'))
    assert.equal(b.partition.state.get(tenantId, later)?.state, 'running')
  })

  it('passes over what was written under a term that is not in force', async () => {
    const { session, ids } = begin()
    const [timerId = '', ghost = ''] = ids
    await using a = await world.node('a', partition)
    await a.partition.acquire()
    const { term } = a.partition
    const { timer } = await a.done(session, sent(timerId, 1, put(1000)))
    a.mine = false
    const cause = { actor: { type: 'operator', id: 'local' }, requestId: 'r' } as const
    const event: RecordEvent = { type: 'created', timer: { ...timer, timerId: ghost }, cause, session, n: 2 }
    {
      await using b = await world.node('b', partition)
      await b.partition.acquire()
      await b.done(session, sent(timerId, 3, add(1)))
    }
    // After a rewind by power loss an old owner's append may land where its sequence fits.
    await world.append(partition, recordOf(term, { kind: 'batch', nowMs: Date.now(), events: [event] }))
    await world.append(partition, recordOf('never', { kind: 'batch', nowMs: Date.now(), events: [event] }))
    await using c = await world.node('c', partition)
    await c.partition.acquire()
    assert.equal(c.partition.state.get(tenantId, ghost), undefined)
    assert.equal(c.partition.state.get(tenantId, timerId)?.remainingMs, 1001)
    const created = await c.done(session, sent(ghost, 2, put(7)))
    assert.deepEqual([created.type, created.timer.remainingMs], ['created', 7])
  })

  it('goes on after an append of its own that came late, behind its back', async () => {
    const { session, ids } = begin()
    const [timerId = ''] = ids
    await using a = await world.node('a', partition)
    await a.partition.acquire()
    const { timer } = await a.done(session, sent(timerId, 1, put(1000)))
    const cause = { actor: { type: 'operator', id: 'local' }, requestId: 'r' } as const
    const changed = { ...timer, version: 2, title: 'late' } as Timer
    const events = [{ type: 'updated', timer: changed, cause, session, n: 2 }] as const
    await world.append(partition, recordOf(a.partition.term, { kind: 'batch', nowMs: Date.now(), events }))
    // Its expectation is wrong now, so it reads the log.
    const done = await a.done(session, sent(timerId, 3, add(1)))
    assert.deepEqual([done.timer.version, done.timer.title, done.timer.remainingMs], [3, 'late', 1001])
    assert.equal((await a.done(session, sent(timerId, 2, add(1)))).timer.title, 'late')
  })
})

/** All that a state knows. */
function contents(state: PartitionState): object {
  const timers = [...state.timersOf(tenantId)].sort((a, b) => (a.timerId < b.timerId ? -1 : 1))
  const { versionFloor, earliestDeadlineMs } = state
  const setBy = timers.map(({ timerId }) => state.deadlineSetBy(tenantId, timerId))
  return { timers, setBy, versionFloor, earliestDeadlineMs }
}

async function nothingDue(node: Node, clock: TestClock): Promise<void> {
  await eventually(() => {
    assert.equal(node.partition.state.overdue(clock.nowMs()), 0)
  })
}
