// What holds of every timer, whatever is done to it: random commands at random times, by a clock that
// now and then goes back.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { seedOf } from '@timers/dev/seed.ts'
import type { Command, Operation } from '@timers/shared/timer/command.ts'
import { eventTypes } from '@timers/shared/timer/event.ts'
import { limits } from '@timers/shared/timer/limits.ts'
import { remainingAt, type Labels, type Timer } from '@timers/shared/timer/timer.ts'
import fc from 'fast-check'
import { judge, type Judgement } from './judge.ts'
import { fireOf, isDue, type Fire } from './transition.ts'

const start = 1_700_000_000_000
const tenYears = limits.durationMs

function command(operation: Operation, ifVersion?: number): Command {
  const actor = { type: 'operator', id: 'local' } as const
  const conditions = ifVersion === undefined ? {} : { ifVersion }
  return { tenantId: 'default', timerId: 't', operation, ...conditions, actor, requestId: 'r' }
}

const sane = fc.integer({ min: 0, max: 20_000 })
const span = fc.oneof(
  { weight: 8, arbitrary: sane },
  fc.constantFrom(0, 1, tenYears, tenYears + 1, -1, 0.5, NaN),
)
const change = fc.oneof(
  fc.integer({ min: -20_000, max: 20_000 }),
  fc.constantFrom(tenYears, -tenYears, 1e300),
)
const ahead = fc.oneof(fc.integer({ min: -5000, max: 20_000 }), fc.constantFrom(0, tenYears, tenYears + 1))
const factor = fc.oneof(fc.double({ min: 0, max: 3, noNaN: true }), fc.constantFrom(-0, 1e308, -1, Infinity))
const text = fc.string({ maxLength: 3 })
const patch = fc.option(fc.dictionary(text, fc.oneof(text, fc.constant(null), fc.object({ maxDepth: 2 }))), {
  nil: null,
})

const said = fc.record({
  op: fc.constant('put' as const),
  autostart: fc.boolean(),
  title: text,
  labels: fc.constantFrom<Labels>({}, {}, { a: 'b' }, { 'not a key': '' }),
  metadata: fc.constantFrom('', '{}', '{"a":{"b":[1]}}', 'no json'),
  retentionMs: span,
})

/** Made at a moment, for deadlines are around it. */
type AtNow = (nowMs: number) => Operation
const put: fc.Arbitrary<AtNow> = fc.oneof(
  fc.tuple(said, span).map(([all, durationMs]) => () => ({ ...all, durationMs })),
  fc.tuple(said, ahead).map(([all, ms]) => (nowMs: number) => ({ ...all, deadlineMs: nowMs + ms })),
)
const operation: fc.Arbitrary<AtNow> = fc.oneof(
  put,
  fc
    .record({ title: text, durationMs: span, labels: patch, metadata: patch }, { requiredKeys: [] })
    .map((update) => (): Operation => ({ op: 'update', ...(update as object) })),
  fc.constantFrom('start', 'pause', 'reset', 'restart', 'delete').map((op) => (): Operation => ({ op })),
  span.map((remainingMs) => (): Operation => ({ op: 'set', remainingMs })),
  ahead.map((ms) => (nowMs: number): Operation => ({ op: 'set', deadlineMs: nowMs + ms })),
  change.map((byMs) => (): Operation => ({ op: 'add', byMs })),
  factor.map((by) => (): Operation => ({ op: 'multiply', factor: by })),
  fc
    .tuple(span, span, fc.option(ahead, { freq: 2 }))
    .map(([windowMs, byMs, most]) => (nowMs: number): Operation => {
      const extend = { op: 'extendIfWithin', windowMs, byMs } as const
      return most === null ? extend : { ...extend, maxDeadlineMs: nowMs + most }
    }),
)

interface Step {
  readonly passedMs: number
  readonly command: (nowMs: number, timer: Timer | undefined) => Command | Fire
}
const passedMs = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 0, max: 4000 }) },
  { weight: 3, arbitrary: fc.integer({ min: -3000, max: 0 }) },
  fc.constant(tenYears),
)
/** How far off the version is that the caller believes in; undefined = says none. */
const belief = fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, fc.constantFrom(0, 0, -1, 1))
/** Where there is no timer, mostly a put: the table's test has the rest of that row. */
const byCaller = fc
  .tuple(put, operation, belief)
  .map(([first, then, off]): Step['command'] => (nowMs, timer) => {
    const ifVersion = off === undefined ? undefined : (timer?.version ?? 0) + off
    return command(timer === undefined ? first(nowMs) : then(nowMs), ifVersion)
  })
const byClock = fc.constant<Step['command']>(() => fireOf({ tenantId: 'default', timerId: 't' }, 'put-1'))
const step: fc.Arbitrary<Step> = fc.record({
  passedMs,
  command: fc.oneof({ weight: 9, arbitrary: byCaller }, byClock),
})

/** Judges the steps one after the other, as a partition does, and shows each to `look`. */
function run(
  steps: readonly Step[],
  look: (judgement: Judgement, before: Timer | undefined, nowMs: number, floor: number) => void,
): Timer | undefined {
  let timer: Timer | undefined
  let nowMs = start
  let floor = 40
  for (const each of steps) {
    nowMs += each.passedMs
    const judgement = judge(timer, each.command(nowMs, timer), nowMs, floor, 'put-1')
    look(judgement, timer, nowMs, floor)
    timer = judgement.timer
    for (const event of judgement.events) {
      if (event.type === 'deleted') floor = Math.max(floor, event.timer.version)
    }
  }
  return timer
}

function checkShape(timer: Timer): void {
  for (const ms of [
    timer.version,
    timer.durationMs,
    timer.retentionMs,
    timer.createdAtMs,
    timer.updatedAtMs,
  ]) {
    assert.ok(Number.isSafeInteger(ms) && !Object.is(ms, -0))
  }
  assert.ok(timer.durationMs >= 0 && timer.durationMs <= tenYears)
  assert.ok(timer.createdAtMs <= timer.updatedAtMs)
  assert.equal(timer.state === 'completed', timer.completedAtMs !== null)
  assert.equal(timer.state === 'completed', timer.completedBy !== null)
  assert.equal(timer.state === 'running', timer.remainingMs === null)
  assert.equal(timer.state === 'running' || timer.state === 'completed', timer.deadlineMs !== null)
  if (timer.remainingMs !== null) {
    assert.ok(Number.isSafeInteger(timer.remainingMs) && !Object.is(timer.remainingMs, -0))
    assert.ok(timer.remainingMs >= 0 && timer.remainingMs <= tenYears)
  }
  if (timer.deadlineMs !== null) {
    assert.ok(Number.isSafeInteger(timer.deadlineMs))
    assert.ok(timer.deadlineMs - timer.updatedAtMs <= tenYears)
  }
  if (timer.completedBy === 'fire') assert.ok(timer.completedAtMs >= timer.deadlineMs)
  if (timer.completedBy === 'command') assert.equal(timer.completedAtMs, timer.deadlineMs)
  if (timer.state === 'completed') assert.equal(timer.remainingMs, 0)
}

function done(timer: Timer | undefined, operation: Operation, nowMs: number): Timer {
  const { outcome, timer: after } = judge(timer, command(operation), nowMs, 0, 'put-1')
  assert.notEqual(outcome.kind, 'refusal', JSON.stringify(outcome))
  assert.ok(after !== undefined)
  return after
}

/** A timer with at least a millisecond left, and the moment at which it has. */
const withTimeLeft = fc
  .record({
    state: fc.constantFrom('idle', 'running', 'paused'),
    durationMs: fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: tenYears })),
    share: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  })
  .map(({ state, durationMs, share }) => {
    const put = { op: 'put', title: '', labels: {}, metadata: '', retentionMs: 0, durationMs } as const
    const nowMs = start + Math.floor(durationMs * share)
    const timer = done(undefined, { ...put, autostart: state !== 'idle' }, start)
    return { nowMs, timer: state === 'paused' ? done(timer, { op: 'pause' }, nowMs) : timer }
  })

describe('laws', () => {
  const law = <T extends [unknown, ...unknown[]]>(name: string, property: fc.IProperty<T>): void => {
    test(name, (t) => {
      fc.assert(property, { seed: seedOf(t), numRuns: 300 })
    })
  }
  const steps = fc.array(step, { maxLength: 30, size: 'max' })

  test('the random commands reach every type of event', (t) => {
    const seen = new Set<string>()
    for (const all of fc.sample(steps, { seed: seedOf(t), numRuns: 300 })) {
      run(all, ({ events }) => seen.add(events.map(({ type }) => type).join()))
    }
    const wanted = [...eventTypes, 'completed,adjusted', 'created,completed']
    assert.deepEqual(
      wanted.filter((types) => !seen.has(types)),
      [],
    )
  })

  law(
    'every timer keeps its shape and limits, and its times never go back',
    fc.property(steps, (all) => {
      run(all, ({ events, timer, outcome }, before, nowMs) => {
        let previous = before
        for (const event of events) {
          checkShape(event.timer)
          if (previous !== undefined) {
            assert.equal(event.timer.createdAtMs, previous.createdAtMs)
            assert.ok(event.timer.updatedAtMs >= previous.updatedAtMs)
          }
          previous = event.type === 'deleted' ? undefined : event.timer
        }
        assert.deepEqual(timer, previous)
        assert.ok(events.length <= 3)
        if (events.length === 0) assert.equal(timer, before, 'no event, yet another timer')
        if (outcome.kind === 'event') assert.ok(events.includes(outcome.event))
        else assert.ok(events.every(({ cause }) => cause.actor.type === 'clock'))
        assert.ok(timer === undefined || !isDue(timer, nowMs), 'left overdue')
      })
    }),
  )

  law(
    'versions grow by one and never repeat, over delete and re-creation too',
    fc.property(steps, (all) => {
      let newest = 40
      run(all, ({ events }, _, __, floor) => {
        for (const { type, timer } of events) {
          assert.equal(timer.version, (type === 'created' ? Math.max(newest, floor) : newest) + 1)
          newest = timer.version
        }
      })
    }),
  )

  law(
    'it fires only when running and due, never early, once for each time it is started',
    fc.property(steps, (all) => {
      run(all, ({ events }, before, nowMs) => {
        let previous = before
        for (const { timer, type, cause } of events) {
          if (cause.actor.type === 'clock') {
            assert.equal(type, 'completed')
            assert.ok(previous?.state === 'running' && previous.deadlineMs <= nowMs)
            assert.equal(timer.deadlineMs, previous.deadlineMs)
            assert.equal(timer.completedBy, 'fire')
          } else {
            assert.notEqual(timer.completedBy === 'fire' && previous?.completedBy !== 'fire', true)
          }
          previous = type === 'deleted' ? undefined : timer
        }
      })
    }),
  )

  law(
    'to pause and start keeps the remaining time, however often and however long between',
    fc.property(withTimeLeft, sane, ({ timer, nowMs }, waitMs) => {
      const leftMs = remainingAt(timer, nowMs)
      let current = done(timer, { op: 'start' }, nowMs)
      let at = nowMs
      for (const op of ['pause', 'pause', 'start', 'start', 'pause', 'start'] as const) {
        if (current.state === 'paused') at += waitMs
        current = done(current, { op }, at)
        assert.equal(remainingAt(current, at), leftMs)
      }
      assert.equal(current.state, 'running')
    }),
  )

  law(
    'to add and to take the same is the identity off the clamp',
    fc.property(withTimeLeft, fc.integer({ min: -20_000, max: 20_000 }), ({ timer, nowMs }, byMs) => {
      const leftMs = remainingAt(timer, nowMs)
      fc.pre(leftMs + byMs > 0 && leftMs + byMs <= tenYears)
      const there = done(timer, { op: 'add', byMs }, nowMs)
      assert.equal(remainingAt(there, nowMs), leftMs + byMs)
      const back = done(there, { op: 'add', byMs: -byMs }, nowMs)
      assert.deepEqual({ ...back, version: 0, updatedAtMs: 0 }, { ...timer, version: 0, updatedAtMs: 0 })
    }),
  )
})
