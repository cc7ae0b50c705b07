// The order of judgement, the firings that belong to a command, and the limits.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Command, Operation } from '@timers/shared/timer/command.ts'
import { limits } from '@timers/shared/timer/limits.ts'
import type { JsonObject, Timer } from '@timers/shared/timer/timer.ts'
import { judge, type Judgement } from './judge.ts'
import { now, timers } from './table.examples.ts'
import { fireOf } from './transition.ts'

type Conditions = Pick<Command, 'ifVersion' | 'ifAbsent'>

function judged(timer: Timer | undefined, operation: Operation, conditions: Conditions = {}, at = now) {
  const actor = { type: 'key', id: 'k1' } as const
  const command = { tenantId: 'default', timerId: 't1', operation, ...conditions, actor, requestId: 'r1' }
  return judge(timer, command, at, 41, 'put-1')
}

function put(time: { durationMs: number } | { deadlineMs: number }, more = {}): Operation {
  return { op: 'put', autostart: true, title: '', labels: {}, metadata: '', retentionMs: 1, ...time, ...more }
}

/** What a judgement came to, in a line: its events with versions, then what the caller is told. */
function told({ events, outcome }: Judgement): string {
  const answer = outcome.kind === 'refusal' ? outcome.refusal.code : outcome.kind
  return [...events.map(({ type, timer }) => `${type} ${timer.version}`), answer].join(', ')
}

function faults({ events, outcome }: Judgement): string[] {
  assert.deepEqual(events, [])
  assert.ok(outcome.kind === 'refusal' && outcome.refusal.code === 'invalid_value')
  return (outcome.refusal.errors ?? []).map(({ pointer }) => pointer ?? '')
}

const overdue: Timer = { ...timers.running, deadlineMs: now }

describe('order of judgement', () => {
  test('an overdue timer fires before its command is judged', () => {
    const { events, timer } = judged(overdue, { op: 'pause' })
    assert.deepEqual(
      events.map(({ cause }) => cause),
      [{ actor: { type: 'clock', id: 'clock' }, requestId: 'put-1' }],
    )
    assert.equal(timer?.completedBy, 'fire')
    assert.equal(told(judged(overdue, { op: 'pause' })), 'completed 8, wrong_state')
    assert.equal(told(judged(overdue, { op: 'add', byMs: 5 })), 'completed 8, adjusted 9, event')
    assert.equal(told(judged(overdue, { op: 'delete' })), 'completed 8, deleted 9, event')
    assert.equal(told(judged(overdue, put({ durationMs: 5 }))), 'completed 8, replaced 9, event')
    assert.equal(
      told(judged(overdue, put({ deadlineMs: 5 }))),
      'completed 8, replaced 9, completed 10, event',
    )
  })

  test('ifVersion is judged against the version after that firing', () => {
    assert.equal(told(judged(overdue, { op: 'reset' }, { ifVersion: 7 })), 'completed 8, version_mismatch')
    assert.equal(told(judged(overdue, { op: 'reset' }, { ifVersion: 8 })), 'completed 8, reset 9, event')
  })

  test('existence comes before the conditions', () => {
    assert.equal(told(judged(undefined, { op: 'pause' }, { ifVersion: 7 })), 'not_found')
    assert.equal(told(judged(undefined, put({ durationMs: 5 }), { ifVersion: 7 })), 'version_mismatch')
    assert.equal(told(judged(undefined, put({ durationMs: 5 }), { ifAbsent: true })), 'created 42, event')
  })

  test('the conditions come before the state', () => {
    const { completed } = timers
    assert.equal(told(judged(completed, { op: 'start' }, { ifVersion: 6 })), 'version_mismatch')
    assert.equal(told(judged(completed, { op: 'start' }, { ifVersion: 8 })), 'version_mismatch')
    assert.equal(told(judged(completed, { op: 'start' }, { ifVersion: 7 })), 'wrong_state')
    assert.equal(told(judged(completed, put({ durationMs: 5 }), { ifAbsent: true })), 'already_exists')
    assert.equal(told(judged(completed, { op: 'reset' }, { ifVersion: 7 })), 'reset 8, event')
  })

  test('the state comes before the values', () => {
    const extend: Operation = { op: 'extendIfWithin', windowMs: -1, byMs: 1 }
    assert.equal(told(judged(timers.paused, extend)), 'wrong_state')
  })
})

describe('firing', () => {
  test('a put with a past deadline fires in the same judgement', () => {
    const judgement = judged(undefined, put({ deadlineMs: now - 5 }))
    assert.equal(told(judgement), 'created 42, completed 43, event')
    assert.equal(judgement.timer?.completedBy, 'fire')
    assert.equal(judgement.timer.deadlineMs, now - 5)
    assert.equal(told(judged(undefined, put({ deadlineMs: now }))), 'created 42, completed 43, event')
    assert.equal(told(judged(undefined, put({ deadlineMs: now + 1 }))), 'created 42, event')
  })

  test('happens once, when it is due, and only to a running timer', () => {
    assert.equal(told(judge(overdue, fireOf(overdue, 'put-1'), now, 0, 'put-1')), 'completed 8, event')
    assert.equal(told(judge(overdue, fireOf(overdue, 'put-1'), now - 1, 0, 'put-1')), 'no-op')
    assert.equal(told(judge(timers.paused, fireOf(overdue, 'put-1'), now, 0, 'put-1')), 'no-op')
    assert.equal(told(judge(undefined, fireOf(overdue, 'put-1'), now, 0, 'put-1')), 'not_found')
  })

  test('with a clock that was set back it waits for the clock; times do not go back', () => {
    const late: Timer = { ...timers.running, deadlineMs: now + 10, updatedAtMs: now + 20 }
    const at = now + 5
    assert.equal(told(judge(late, fireOf(late, 'put-1'), at, 0, 'put-1')), 'no-op')
    assert.equal(judged(late, { op: 'pause' }, {}, at).timer?.remainingMs, 0)
    assert.equal(judged(late, { op: 'restart' }, {}, at).timer?.deadlineMs, now + 20 + late.durationMs)
    const fired = judge(late, fireOf(late, 'put-1'), now + 10, 0, 'put-1').timer
    assert.equal(fired?.completedAtMs, now + 20)
  })
})

describe('limits', () => {
  const most = limits.durationMs
  const { idle, running } = timers

  test('ten years are the most, and more is refused, never clamped', () => {
    assert.equal(judged(undefined, put({ durationMs: most })).timer?.deadlineMs, now + most)
    assert.equal(judged(undefined, put({ deadlineMs: now + most })).timer?.durationMs, most)
    assert.equal(judged(idle, { op: 'add', byMs: most - 40_000 }).timer?.remainingMs, most)
    for (const [operation, pointer] of [
      [put({ durationMs: most + 1 }), '/durationMs'],
      [put({ deadlineMs: now + most + 1 }), '/deadline'],
      [put({ durationMs: 1 }, { retentionMs: most + 1 }), '/retentionMs'],
      [{ op: 'update', durationMs: most + 1 }, '/durationMs'],
      [{ op: 'set', remainingMs: most + 1 }, '/remainingMs'],
      [{ op: 'set', deadlineMs: now + most + 1 }, '/deadline'],
      [{ op: 'add', byMs: most - 39_999 }, '/byMs'],
      [{ op: 'multiply', factor: 1e300 }, '/factor'],
      [{ op: 'extendIfWithin', windowMs: 40_000, byMs: most }, '/byMs'],
    ] as const satisfies [Operation, string][]) {
      assert.deepEqual(faults(judged(running, operation)), [pointer], JSON.stringify(operation))
    }
  })

  test('what is no whole number of milliseconds is refused', () => {
    for (const ms of [NaN, Infinity, -Infinity, 0.5, -1, 2 ** 53]) {
      const text = String(ms)
      assert.deepEqual(faults(judged(idle, put({ durationMs: ms }))), ['/durationMs'], text)
      assert.deepEqual(faults(judged(idle, put({ deadlineMs: ms }))), ['/deadline'], text)
      assert.deepEqual(faults(judged(idle, { op: 'set', remainingMs: ms })), ['/remainingMs'], text)
      assert.deepEqual(faults(judged(idle, { op: 'set', deadlineMs: ms })), ['/deadline'], text)
    }
    assert.deepEqual(faults(judged(idle, { op: 'add', byMs: 0.5 })), ['/byMs'])
    assert.deepEqual(faults(judged(idle, { op: 'multiply', factor: -1 })), ['/factor'])
    assert.deepEqual(faults(judged(idle, { op: 'multiply', factor: NaN })), ['/factor'])
  })

  test('a duration of −0 is 0', () => {
    assert.ok(Object.is(judged(idle, { op: 'update', durationMs: -0 }).timer?.durationMs, 0))
  })

  test('every fault is listed', () => {
    const operation = put({ durationMs: -1 }, { title: 'x'.repeat(201), labels: { 'A/b~c': '' } })
    assert.deepEqual(faults(judged(idle, operation)), ['/durationMs', '/title', '/labels/A~1b~0c'])
  })

  test('labels and metadata are measured after the patch', () => {
    const many = Object.fromEntries(Array.from({ length: 15 }, (_, i) => [`k${i}`, 'v']))
    const full = judged(idle, { op: 'update', labels: many })
    assert.equal(Object.keys(full.timer?.labels ?? {}).length, 16)
    assert.deepEqual(faults(judged(full.timer, { op: 'update', labels: { more: 'v' } })), ['/labels'])
    assert.equal(
      told(judged(full.timer, { op: 'update', labels: { more: 'v', k1: null } })),
      'updated 9, event',
    )
    assert.deepEqual(faults(judged(idle, { op: 'update', labels: { a: 1, b: 'v'.repeat(129) } })), [
      '/labels/a',
      '/labels/b',
    ])
    assert.deepEqual(faults(judged(idle, { op: 'update', metadata: { b: 'é'.repeat(2042) } })), ['/metadata'])
    assert.equal(judged(idle, { op: 'update', metadata: { b: 'é'.repeat(2041) } }).events.length, 1)
  })

  test('metadata that JSON cannot keep, or that is too deep, is refused', () => {
    const nested = (depth: number): JsonObject => {
      let inner: JsonObject = {}
      for (let i = 1; i < depth; i++) inner = { a: inner }
      return inner
    }
    for (const metadata of [{ a: NaN }, { a: [-Infinity] }, { a: 2 ** 53 }, nested(17), nested(20_000)]) {
      assert.deepEqual(faults(judged(idle, { op: 'update', metadata })), ['/metadata'])
    }
    assert.equal(judged(idle, { op: 'update', metadata: nested(16) }).events.length, 1)
    assert.deepEqual(faults(judged(idle, { op: 'update', labels: nested(20_000) })), ['/labels'])
  })
})
