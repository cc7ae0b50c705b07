import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '@timers/shared/clock.ts'
import { Alarm } from './alarm.ts'

const hour = 3_600_000
const day = 24 * hour

/** A clock that stands until it is wound. Like the real one it takes a delay over 2^31 − 1 for 1 ms. */
class FakeClock implements Clock {
  /** Cluster time; may be set. */
  now = 1_700_000_000_000
  /** How long before its time a timeout rings. */
  hastyMs = 0
  /** How often a timeout was set. */
  timeouts = 0
  #monotonic = 0
  readonly #waiting = new Map<object, { atMs: number; callback: () => void }>()

  nowMs(): number {
    return this.now
  }

  errorMs(): number {
    return 0
  }
  wallMs(): number {
    return this.nowMs()
  }
  monotonicMs(): number {
    return this.#monotonic
  }

  after(delayMs: number, callback: () => void): () => void {
    assert.ok(Number.isInteger(delayMs) && delayMs >= 0)
    this.timeouts++
    const key = {}
    const waitMs = delayMs > 2 ** 31 - 1 ? 1 : Math.max(1, delayMs)
    this.#waiting.set(key, { atMs: this.#monotonic + waitMs - this.hastyMs, callback })
    return () => {
      this.#waiting.delete(key)
    }
  }

  soon(callback: () => void): () => void {
    return this.after(0, callback)
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** On by `ms`, with all timeouts on the way. */
  wind(ms: number): void {
    const untilMs = this.#monotonic + ms
    for (;;) {
      const [next] = [...this.#waiting].sort(([, a], [, b]) => a.atMs - b.atMs)
      if (next === undefined || next[1].atMs > untilMs) break
      this.#waiting.delete(next[0])
      this.#pass(next[1].atMs - this.#monotonic)
      next[1].callback()
    }
    this.#pass(untilMs - this.#monotonic)
  }

  #pass(ms: number): void {
    this.#monotonic += Math.max(0, ms)
    this.now += Math.max(0, ms)
  }
}

function start(): { clock: FakeClock; alarm: Alarm; rung: number[]; start: number } {
  const clock = new FakeClock()
  const rung: number[] = []
  return { clock, alarm: new Alarm({ clock, onDue: () => rung.push(clock.now) }), rung, start: clock.now }
}

for (const days of [24.8, 25, 50, 3652.5]) {
  test(`a deadline ${days} days ahead rings then, and not before`, () => {
    const { clock, alarm, rung, start: from } = start()
    alarm.set(from + days * day)
    clock.wind(days * day - 1)
    assert.deepEqual(rung, [])
    clock.wind(day)
    assert.deepEqual(rung, [from + days * day])
    assert.equal(clock.waiting, 0)
  })
}

test('rings at the earlier one when that is set, once', () => {
  const { clock, alarm, rung, start: from } = start()
  alarm.set(from + 5000)
  alarm.set(from + 1000)
  assert.equal(clock.waiting, 1)
  clock.wind(day)
  assert.deepEqual(rung, [from + 1000])
})

test('a later one costs no new timeout until the old one has rung', () => {
  const { clock, alarm, rung, start: from } = start()
  alarm.set(from + 1000)
  alarm.set(from + 2000)
  alarm.set(from + 3000)
  assert.equal(clock.timeouts, 1)
  clock.wind(day)
  assert.deepEqual(rung, [from + 3000])
  assert.equal(clock.timeouts, 2)
})

test('set from within its call it goes on', () => {
  const clock = new FakeClock()
  const rung: number[] = []
  const alarm: Alarm = new Alarm({
    clock,
    onDue: () => {
      rung.push(clock.now - from)
      alarm.set(rung.length < 3 ? clock.now + 10 : Infinity)
    },
  })
  const from = clock.now
  alarm.set(from + 10)
  clock.wind(day)
  assert.deepEqual(rung, [10, 20, 30])
  assert.equal(clock.waiting, 0)
})

test('one that has passed rings at once; Infinity is never', () => {
  const { clock, alarm, rung, start: from } = start()
  alarm.set(from - 1000)
  clock.wind(1)
  assert.deepEqual(rung, [from + 1])
  alarm.set(from + 500)
  alarm.set(Infinity)
  assert.equal(clock.waiting, 0)
  clock.wind(day)
  assert.equal(rung.length, 1)
})

test('never early: a fraction is rounded up, and a timeout that rings too soon is set again', () => {
  const { clock, alarm, rung, start: from } = start()
  clock.now += 0.25
  alarm.set(from + 10)
  clock.wind(9)
  assert.deepEqual(rung, [])
  clock.wind(2)
  assert.deepEqual(rung, [from + 10.25])
  assert.equal(clock.timeouts, 1)
  clock.hastyMs = 0.75
  alarm.set(from + 100)
  clock.wind(day)
  const late = Number(rung[1]) - (from + 100)
  assert.ok(late >= 0 && late < 1, String(late))
})

test('a clock set forward is noticed when the alarm is set, and at the latest after an hour', () => {
  const { clock, alarm, rung, start: from } = start()
  alarm.set(from + 10 * day)
  clock.now += 10 * day
  clock.wind(hour)
  assert.equal(rung.length, 1)
  alarm.set(clock.now + hour)
  clock.now += hour / 2
  const at = clock.now + hour / 2 + 1000
  alarm.set(at)
  clock.wind(day)
  assert.equal(rung[1], at)
})

test('a clock set back is waited for', () => {
  const { clock, alarm, rung, start: from } = start()
  alarm.set(from + 2 * hour)
  clock.wind(hour)
  clock.now -= day
  clock.wind(hour + day - 1)
  assert.deepEqual(rung, [])
  clock.wind(1)
  assert.deepEqual(rung, [from + 2 * hour])
})
