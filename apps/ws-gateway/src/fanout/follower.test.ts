// What a follower asks for and when, hole by hole: the interleavings as a whole are hub.test.ts's.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf, eventOf, makeTimer, takeoverOf } from '../../test/world.ts'
import { Follower } from './follower.ts'

const term = 'term-1'
const record = (version: number, of = term) =>
  batchOf(of, eventOf('updated', makeTimer('a', version, 'running')))
const sequenced = (...sequences: number[]) =>
  sequences.map((sequence) => ({ sequence, record: record(sequence) }))

function setUp() {
  const applied: number[] = []
  const fills: number[] = []
  const lost: boolean[] = []
  const follower = new Follower(
    { behindMs: 500, astrayMs: 3000 },
    {
      apply: (sequence) => applied.push(sequence),
      fill: (from) => fills.push(from),
      lost: (rewound) => lost.push(rewound),
    },
  )
  const feed = (...sequences: number[]): void => {
    for (const sequence of sequences) follower.receive(sequence, record(sequence))
  }
  return { follower, applied, fills, lost, feed }
}

test('what came before the owner answered is applied after it, from its sequence on', () => {
  const { follower, applied, fills, feed } = setUp()
  feed(4, 5, 6, 7)
  assert.deepEqual(applied, [])
  follower.begin(5, term)
  assert.deepEqual(applied, [6, 7])
  feed(7, 6, 8)
  assert.deepEqual(applied, [6, 7, 8])
  assert.deepEqual(fills, [])
})

test('a hole is asked for at once, and what came after it waits', () => {
  const { follower, applied, fills, feed } = setUp()
  follower.begin(5, term)
  feed(8, 9)
  assert.deepEqual([applied, fills], [[], [6]])
  feed(10)
  assert.deepEqual(fills, [6], 'one question at a time')
  follower.filled(sequenced(6, 7))
  assert.deepEqual(applied, [6, 7, 8, 9, 10])
  assert.deepEqual(fills, [6])
})

test('a hole between the answer of the owner and the feed is asked for', () => {
  const { follower, fills, applied, feed } = setUp()
  feed(8)
  follower.begin(5, term)
  assert.deepEqual(fills, [6])
  follower.filled(sequenced(6, 7, 8))
  assert.deepEqual([applied, fills], [[6, 7, 8], [6]])
})

test('a lost last message: behind the owner for 500 ms, and not earlier', () => {
  const { follower, fills, applied } = setUp()
  follower.begin(5, term)
  follower.look(6, 1000)
  follower.look(6, 1499)
  assert.deepEqual(fills, [])
  follower.look(6, 1500)
  assert.deepEqual(fills, [6])
  assert.equal(follower.current, false)
  follower.filled(sequenced(6))
  assert.deepEqual([applied, follower.current], [[6], true])
})

test('an owner who is always a little ahead of the feed is no reason to ask', () => {
  const { follower, fills, feed } = setUp()
  follower.begin(5, term)
  for (let n = 6; n < 40; n++) {
    follower.look(n, n * 250)
    feed(n)
  }
  assert.deepEqual(fills, [])
})

test('a long way behind it goes on asking until it is there', () => {
  const { follower, fills, applied } = setUp()
  follower.begin(5, term)
  follower.look(9, 0)
  follower.look(9, 500)
  follower.filled(sequenced(6, 7))
  follower.filled(sequenced(8, 9))
  assert.deepEqual(
    [applied, fills],
    [
      [6, 7, 8, 9],
      [6, 8],
    ],
  )
})

test('a failed question is asked again at the next look', () => {
  const { follower, fills, feed } = setUp()
  follower.begin(5, term)
  feed(7)
  follower.fillFailed()
  assert.deepEqual(fills, [6])
  follower.look(7, 250)
  assert.deepEqual(fills, [6, 6])
})

test('behind and getting nowhere for 3 s, it is lost; with each step it has 3 s more', () => {
  const { follower, lost } = setUp()
  follower.begin(5, term)
  const look = (fromMs: number, toMs: number): void => {
    for (let ms = fromMs; ms <= toMs; ms += 100) follower.look(9, ms)
  }
  look(0, 2900)
  follower.filled(sequenced(6))
  look(3000, 3000)
  follower.fillFailed()
  look(3100, 5900)
  assert.deepEqual(lost, [])
  look(6000, 6000)
  assert.deepEqual(lost, [false])
  assert.equal(follower.position, undefined)
  assert.equal(follower.begin(5, term), false, 'an owner that is behind what was seen')
  assert.equal(follower.begin(6, term), true)
})

test('a silence is no time in which anything could have come', () => {
  const { follower, lost, fills } = setUp()
  follower.begin(5, term)
  follower.look(5, 0)
  follower.look(9, 10_000)
  follower.look(9, 10_250)
  assert.deepEqual([lost, fills], [[], []])
  follower.look(9, 10_500)
  assert.deepEqual([lost, fills], [[], [6]])
  follower.fillFailed()
  follower.look(9, 30_000)
  assert.deepEqual(lost, [])
})

test('ahead of the owner for 3 s, the log has been cut; then it may begin anywhere', () => {
  const { follower, lost } = setUp()
  follower.begin(9, term)
  follower.look(8, 0)
  follower.look(9, 1000)
  for (let ms = 2000; ms < 5000; ms += 500) follower.look(8, ms)
  assert.deepEqual(lost, [])
  follower.look(8, 5000)
  assert.deepEqual(lost, [true])
  assert.equal(follower.begin(3, 'term-2'), true)
})

test('records of a term that is not in force count for nothing', () => {
  const { follower, applied } = setUp()
  follower.begin(5, term)
  follower.receive(6, record(6, 'another'))
  follower.receive(7, takeoverOf('term-2'))
  follower.receive(8, record(8))
  follower.receive(9, record(9, 'term-2'))
  assert.deepEqual(applied, [7, 9])
  assert.equal(follower.position, 9)
})

test('records are kept for those who join, as long as one needs them', () => {
  const { follower, feed } = setUp()
  const sequences = (after: number) => follower.since(after)?.map(({ sequence }) => sequence)
  follower.begin(5, term)
  feed(6)
  assert.deepEqual(sequences(5), undefined)
  const first = follower.hold()
  feed(7, 8)
  const second = follower.hold()
  feed(9)
  assert.deepEqual([sequences(5), sequences(6), sequences(8), sequences(20)], [undefined, [7, 8, 9], [9], []])
  follower.release(first)
  assert.deepEqual([sequences(7), sequences(8)], [undefined, [9]])
  follower.release(second)
  assert.deepEqual([sequences(8), sequences(9)], [undefined, []])
})

test('its memory is bounded: what waits and what is kept', () => {
  const { follower, applied, fills } = setUp()
  follower.begin(1, term)
  for (let sequence = 3; sequence < 25_000; sequence++) follower.receive(sequence, record(sequence))
  assert.deepEqual(fills, [2])
  follower.filled(sequenced(2))
  assert.ok(applied.length < 10_001)

  const { follower: other, feed } = setUp()
  other.begin(1, term)
  other.hold()
  for (let sequence = 2; sequence < 50_000; sequence++) feed(sequence)
  assert.equal(other.since(1), undefined)
  assert.ok((other.since(49_990)?.length ?? 0) === 9)
})
