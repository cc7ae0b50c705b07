import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '@timers/shared/clock.ts'
import { Turns } from './turns.ts'

/** Time goes on by hand; `next` is the next round of the event loop. */
class Loop implements Clock {
  atMs = 0
  #soon: (() => void)[] = []
  nowMs = () => this.atMs
  monotonicMs = () => this.atMs
  after = () => () => undefined
  soon = (callback: () => void) => {
    this.#soon.push(callback)
    return () => undefined
  }
  next(): void {
    for (const callback of this.#soon.splice(0)) callback()
  }
}

test('short turns share a round of the loop, in the order in which they were taken', () => {
  const loop = new Loop()
  const turns = new Turns({ clock: loop })
  const done: number[] = []
  for (let n = 0; n < 5; n += 1) turns.take(() => done.push(n))
  assert.deepEqual(done, [])
  loop.next()
  assert.deepEqual(done, [0, 1, 2, 3, 4])
})

test('after long turns the loop hears what has come before the next one', () => {
  const loop = new Loop()
  const turns = new Turns({ clock: loop })
  const done: number[] = []
  const take = (n: number): void => {
    turns.take(() => {
      loop.atMs += 3
      done.push(n)
      // Behind those who wait already.
      if (n < 3) take(n + 10)
    })
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
  turns.take(() => {
    throw new Error('a bug')
  })
  turns.take(() => done.push(1))
  assert.throws(() => {
    loop.next()
  }, /a bug/)
  loop.next()
  assert.deepEqual(done, [1])
})
