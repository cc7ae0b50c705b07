import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '@timers/shared/clock.ts'
import { Turns, type Turn } from './turns.ts'

/** Time goes on by hand; `next` is the next round of the event loop. */
class Loop implements Clock {
  atMs = 0
  #soon: (() => void)[] = []
  nowMs = () => this.atMs
  errorMs = () => 0
  monotonicMs = () => this.atMs
  wallMs = () => this.atMs
  after = () => () => undefined
  soon = (callback: () => void) => {
    this.#soon.push(callback)
    return () => undefined
  }
  next(): void {
    for (const callback of this.#soon.splice(0)) callback()
  }
}

function turn(run: () => void, isAwaited = false): Turn {
  return { run, isAwaited: () => isAwaited }
}

test('short turns share a round of the loop, in the order in which they were taken', () => {
  const loop = new Loop()
  const turns = new Turns({ clock: loop })
  const done: number[] = []
  for (let n = 0; n < 5; n += 1) turns.take(turn(() => done.push(n)))
  assert.deepEqual(done, [])
  loop.next()
  assert.deepEqual(done, [0, 1, 2, 3, 4])
})

test('after long turns the loop hears what has come before the next one', () => {
  const loop = new Loop()
  const turns = new Turns({ clock: loop })
  const done: number[] = []
  const take = (n: number): void => {
    turns.take(
      turn(() => {
        loop.atMs += 3
        done.push(n)
        // Behind those who wait already.
        if (n < 3) take(n + 10)
      }),
    )
  }
  for (let n = 0; n < 5; n += 1) take(n)
  const rounds: number[] = []
  for (let before = -1; before < done.length;) {
    before = done.length
    loop.next()
    rounds.push(done.length - before)
  }
  assert.deepEqual(done, [0, 1, 2, 3, 4, 10, 11, 12])
  assert.deepEqual(rounds, [2, 2, 2, 2, 0])
})

test('one that throws takes nobody else’s turn away', () => {
  const loop = new Loop()
  const turns = new Turns({ clock: loop })
  const done: number[] = []
  turns.take(
    turn(() => {
      throw new Error('a bug')
    }),
  )
  turns.take(turn(() => done.push(1)))
  assert.throws(() => {
    loop.next()
  }, /a bug/)
  loop.next()
  assert.deepEqual(done, [1])
})

test('turns that are awaited and others alternate while there are both', () => {
  const loop = new Loop()
  const turns = new Turns({ clock: loop })
  const done: string[] = []
  for (const n of [1, 2, 3, 4]) turns.take(turn(() => done.push(`other ${n}`)))
  for (const n of [1, 2]) turns.take(turn(() => done.push(`awaited ${n}`), true))
  loop.next()
  assert.deepEqual(done, ['awaited 1', 'other 1', 'awaited 2', 'other 2', 'other 3', 'other 4'])
})

test('one that waits already is before others as soon as it is awaited', () => {
  const loop = new Loop()
  const turns = new Turns({ clock: loop })
  const done: number[] = []
  const awaited = new Set<number>()
  for (const n of [1, 2, 3]) turns.take({ run: () => done.push(n), isAwaited: () => awaited.has(n) })
  awaited.add(3)
  loop.next()
  assert.deepEqual(done, [3, 1, 2])
})
