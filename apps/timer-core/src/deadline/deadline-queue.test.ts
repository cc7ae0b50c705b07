import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seedOf } from '@timers/dev/seed.ts'
import fc from 'fast-check'
import { DeadlineQueue } from './deadline-queue.ts'

function popped(queue: DeadlineQueue, nowMs: number, limit = Infinity): number[] {
  const out: number[] = []
  queue.popDue(nowMs, limit, out)
  return out
}

function scheduled(queue: DeadlineQueue, ...deadlines: number[]): number[] {
  return deadlines.map((deadlineMs) => queue.schedule(deadlineMs) ?? assert.fail('full'))
}

test('pops what is due, earliest first and equal ones as they came, at most the limit', () => {
  const queue = new DeadlineQueue({ capacity: 10 })
  const [c, a, d, b, e] = scheduled(queue, 30, 10, 30, 20, 31)
  assert.equal(queue.earliestMs, 10)
  assert.deepEqual(popped(queue, 9), [])
  assert.deepEqual(popped(queue, 30, 3), [a, b, c])
  assert.deepEqual(popped(queue, 30, 3), [d])
  assert.deepEqual(popped(queue, 31, 0), [])
  assert.deepEqual(popped(queue, 31), [e])
  assert.equal(queue.size, 0)
  assert.equal(queue.earliestMs, Infinity)
})

test('what it pops is appended', () => {
  const queue = new DeadlineQueue({ capacity: 1 })
  const [handle] = scheduled(queue, 5)
  const out = [42]
  queue.popDue(5, 1, out)
  assert.deepEqual(out, [42, handle])
})

test('a full queue says so, and has room again for each that goes', () => {
  const queue = new DeadlineQueue({ capacity: 3 })
  const [a] = scheduled(queue, 1, 2, 3)
  assert.equal(queue.schedule(4), undefined)
  assert.equal(queue.size, 3)
  queue.cancel(a ?? -1)
  assert.equal(queue.schedule(4), a)
  assert.equal(queue.schedule(5), undefined)
  assert.equal(popped(queue, 2).length, 1)
  assert.notEqual(queue.schedule(5), undefined)
  assert.equal(new DeadlineQueue({ capacity: 0 }).schedule(1), undefined)
})

test('grows beyond its first size and keeps the order', () => {
  const queue = new DeadlineQueue({ capacity: 5000 })
  const handles = scheduled(queue, ...Array.from({ length: 5000 }, (_, i) => (i * 7919) % 5000))
  const inOrder = handles.toSorted((a, b) => ((a * 7919) % 5000) - ((b * 7919) % 5000))
  assert.deepEqual(popped(queue, 5000), inOrder)
})

test('counts what is due, and takes nothing away', () => {
  const queue = new DeadlineQueue({ capacity: 100 })
  for (let i = 0; i < 100; i++) {
    queue.schedule((i * 37) % 100)
  }
  assert.equal(queue.countDue(-1), 0)
  assert.equal(queue.countDue(0), 1)
  assert.equal(queue.countDue(41), 42)
  assert.equal(queue.countDue(1000), 100)
  assert.equal(queue.size, 100)
})

test('a handle nobody has, and a deadline that is none, are bugs', () => {
  const queue = new DeadlineQueue({ capacity: 10 })
  const [a = -1] = scheduled(queue, 1, 2)
  queue.cancel(a)
  for (const handle of [a, 2, -1, 0.5, NaN]) {
    assert.throws(() => {
      queue.cancel(handle)
    }, RangeError)
    assert.throws(() => {
      queue.move(handle, 5)
    }, RangeError)
  }
  assert.throws(() => queue.schedule(NaN), RangeError)
  assert.throws(() => queue.schedule(Infinity), RangeError)
  assert.throws(() => {
    queue.move(1, NaN)
  }, RangeError)
  assert.deepEqual(popped(queue, 9), [1])
})

/** The queue as it would be without a thought for speed. */
class Model {
  readonly #capacity: number
  entries: { handle: number; deadlineMs: number; turn: number }[] = []
  #turn = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get isFull(): boolean {
    return this.entries.length === this.#capacity
  }

  put(handle: number, deadlineMs: number): void {
    this.entries.push({ handle, deadlineMs, turn: this.#turn++ })
    this.entries.sort((a, b) => a.deadlineMs - b.deadlineMs || a.turn - b.turn)
  }

  remove(handle: number): void {
    this.entries = this.entries.filter((entry) => entry.handle !== handle)
  }

  popDue(nowMs: number, limit: number): number[] {
    const due = this.entries.filter(({ deadlineMs }) => deadlineMs <= nowMs).slice(0, limit)
    this.entries = this.entries.slice(due.length)
    return due.map(({ handle }) => handle)
  }
}

test('does what a sorted array does', (t) => {
  // Few different deadlines, so that many are equal.
  const deadline = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: -1000, max: 1e13 }))
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ does: fc.constant('schedule' as const), deadlineMs: deadline }) },
    fc.record({ does: fc.constant('move' as const), nth: fc.nat(), deadlineMs: deadline }),
    fc.record({ does: fc.constant('cancel' as const), nth: fc.nat() }),
    fc.record({ does: fc.constant('pop' as const), nowMs: deadline, limit: fc.integer({ min: 0, max: 9 }) }),
  )
  const steps = fc.array(step, { maxLength: 800, size: 'max' })
  const property = fc.property(steps, fc.integer({ min: 0, max: 400 }), (all, capacity) => {
    const queue = new DeadlineQueue({ capacity })
    const model = new Model(capacity)
    for (const each of all) {
      switch (each.does) {
        case 'schedule': {
          const handle = queue.schedule(each.deadlineMs)
          assert.equal(handle === undefined, model.isFull)
          if (handle !== undefined) {
            assert.ok(model.entries.every((entry) => entry.handle !== handle) && handle < capacity)
            model.put(handle, each.deadlineMs)
          }
          break
        }
        case 'move':
        case 'cancel': {
          const chosen = model.entries[each.nth % model.entries.length]
          if (chosen === undefined) break
          model.remove(chosen.handle)
          if (each.does === 'cancel') queue.cancel(chosen.handle)
          else {
            queue.move(chosen.handle, each.deadlineMs)
            model.put(chosen.handle, each.deadlineMs)
          }
          break
        }
        case 'pop':
          assert.deepEqual(popped(queue, each.nowMs, each.limit), model.popDue(each.nowMs, each.limit))
      }
      assert.equal(queue.size, model.entries.length)
      assert.equal(queue.earliestMs, model.entries[0]?.deadlineMs ?? Infinity)
    }
    assert.deepEqual(popped(queue, Infinity), model.popDue(Infinity, Infinity))
  })
  fc.assert(property, { seed: seedOf(t), numRuns: 60 })
})
