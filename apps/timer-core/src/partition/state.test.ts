import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { baseMs, eventOf, idle, packing, running } from '../../test/timers.ts'
import { PartitionState } from './state.ts'

const ids = (timers: readonly { timerId: string }[]): string[] => timers.map(({ timerId }) => timerId)

describe('the state of a partition', () => {
  it('has what the newest event said, running or packed', () => {
    const state = new PartitionState(packing)
    assert.equal(state.get('default', 'a'), undefined)
    assert.equal(state.earliestDeadlineMs, Infinity)
    for (const timer of [idle('a'), running('a', baseMs + 5, { version: 2 }), idle('a', { version: 3 })]) {
      state.apply(eventOf('updated', timer))
      assert.deepEqual(state.get('default', 'a'), timer)
      assert.equal(state.earliestDeadlineMs, timer.deadlineMs ?? Infinity)
    }
    assert.equal(state.get('other', 'a'), undefined)
  })

  it('forgets a deleted timer but not its version', () => {
    const state = new PartitionState(packing)
    state.apply(eventOf('created', running('a', baseMs + 5)))
    state.apply(eventOf('created', idle('b')))
    state.apply(eventOf('deleted', running('a', baseMs + 5, { version: 7 })))
    assert.equal(state.get('default', 'a'), undefined)
    assert.equal(state.versionFloor, 7)
    state.apply(eventOf('deleted', idle('b', { version: 2 })))
    assert.equal(state.versionFloor, 7)
    assert.equal(state.earliestDeadlineMs, Infinity)
    assert.deepEqual([...state.timersOf('default')], [])
  })

  it('gives what is due, earliest first, not more than asked for, and takes back what has not fired', () => {
    const state = new PartitionState(packing)
    for (const [timerId, ms] of Object.entries({ late: 30, first: 10, second: 20, future: 31 })) {
      state.apply(eventOf('created', running(timerId, baseMs + ms)))
    }
    const nowMs = baseMs + 30
    assert.deepEqual(ids(state.takeDue(nowMs, 2)), ['first', 'second'])
    assert.equal(state.overdue(nowMs), 3)
    assert.deepEqual(ids(state.takeDue(nowMs, 2)), ['late'])
    assert.equal(state.earliestDeadlineMs, baseMs + 31)

    const done = { state: 'completed', remainingMs: 0, completedAtMs: nowMs, completedBy: 'fire' } as const
    state.apply(eventOf('completed', running('first', baseMs + 10, { version: 2, ...done })))
    state.apply(eventOf('extended', running('second', baseMs + 50, { version: 2 })))
    state.giveBackDue()
    assert.deepEqual(ids(state.takeDue(baseMs + 100, 10)), ['late', 'future', 'second'])
    state.giveBackDue()
    assert.equal(state.overdue(baseMs + 100), 3)
    assert.equal(state.earliestDeadlineMs, baseMs + 30)
  })

  it('does not give back one that was deleted while its firing was decided', () => {
    const state = new PartitionState(packing)
    state.apply(eventOf('created', running('a', baseMs)))
    state.takeDue(baseMs, 1)
    state.apply(eventOf('deleted', running('a', baseMs, { version: 2 })))
    state.apply(eventOf('created', idle('a', { version: 3 })))
    state.giveBackDue()
    assert.equal(state.earliestDeadlineMs, Infinity)
    assert.deepEqual(state.get('default', 'a'), idle('a', { version: 3 }))
  })

  it('knows which request set a deadline, also after changes that left it alone', () => {
    const state = new PartitionState(packing)
    state.apply(eventOf('created', running('a', baseMs + 5), 'put'))
    state.apply(eventOf('updated', running('a', baseMs + 5, { version: 2 }), 'title'))
    assert.equal(state.deadlineSetBy('default', 'a'), 'put')
    state.apply(eventOf('adjusted', running('a', baseMs + 9, { version: 3 }), 'add'))
    assert.equal(state.deadlineSetBy('default', 'a'), 'add')
    state.apply(eventOf('paused', idle('a', { version: 4 }), 'pause'))
    assert.equal(state.deadlineSetBy('default', 'a'), '')
    state.apply(eventOf('started', running('a', baseMs + 9, { version: 5 }), 'start'))
    assert.equal(state.deadlineSetBy('default', 'a'), 'start')
  })

  it('walks a tenant, and no other, while it changes', () => {
    const state = new PartitionState(packing)
    for (const timerId of ['a1', 'b1', 'a2']) state.apply(eventOf('created', idle(timerId)))
    state.apply(eventOf('created', idle('a3', { tenantId: 'other' })))
    const walk = state.timersOf('default')
    assert.equal(walk.next().value?.timerId, 'a1')
    state.apply(eventOf('deleted', idle('b1', { version: 2 })))
    assert.deepEqual(ids([...walk]), ['a2'])
    const prefixed = [...state.timersWithPrefix('default', 'a')]
    assert.deepEqual(
      prefixed.map((timer) => timer?.timerId),
      ['a1', 'a2'],
    )
    assert.deepEqual(
      [...state.timersWithPrefix('default', 'a2')].map((timer) => timer?.timerId),
      [undefined, 'a2'],
    )
    assert.deepEqual([...state.timersOf('nobody'), ...state.timersWithPrefix('nobody', '')], [])
  })
})
