import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { idle } from '../../test/timers.ts'
import { keptForMs, Repeats } from './repeats.ts'

const timer = idle('a')

describe('repeats', () => {
  it('knows a result by session and n', () => {
    const repeats = new Repeats()
    repeats.keep('s', 1, 'created', timer, 5, 0)
    assert.deepEqual(repeats.find('s', 1), { type: 'created', timer, sequence: 5, keptUntilMs: keptForMs })
    assert.equal(repeats.find('s', 2), undefined)
    assert.equal(repeats.find('other', 1), undefined)
    assert.equal(repeats.size, 1)
  })

  it('keeps nothing of what the clock did', () => {
    const repeats = new Repeats()
    repeats.keep('', 0, 'completed', timer, 5, 0)
    assert.equal(repeats.find('', 0), undefined)
    assert.equal(repeats.size, 0)
  })

  it('tells of two events of one command the first type and the last timer', () => {
    const repeats = new Repeats()
    const fired = idle('a', { version: 2 })
    repeats.keep('s', 1, 'created', timer, 5, 0)
    repeats.keep('s', 1, 'completed', fired, 5, 0)
    assert.deepEqual([repeats.find('s', 1)?.type, repeats.find('s', 1)?.timer], ['created', fired])
    assert.equal(repeats.size, 1)
  })

  it('drops what its sender needs no more, and remembers that it does not', () => {
    const repeats = new Repeats()
    for (const n of [1, 2, 3]) repeats.keep('s', n, 'created', timer, n, 0)
    repeats.keep('t', 1, 'created', timer, 4, 0)
    repeats.answeredBelow('s', 3, 10)
    assert.deepEqual(
      [1, 2, 3].map((n) => repeats.find('s', n) !== undefined),
      [false, false, true],
    )
    assert.deepEqual(
      [1, 2, 3].map((n) => repeats.wasAnswered('s', n)),
      [true, true, false],
    )
    assert.equal(repeats.wasAnswered('t', 1), false)
    assert.equal(repeats.size, 2)
    // A message that was overtaken says nothing new.
    repeats.answeredBelow('s', 2, 11)
    assert.equal(repeats.wasAnswered('s', 2), true)
  })

  it('keeps a result until its time is over, then the session as long', () => {
    const repeats = new Repeats()
    repeats.answeredBelow('s', 1, 1000)
    repeats.keep('s', 1, 'created', timer, 1, 1000)
    repeats.keep('s', 2, 'created', timer, 2, 5000)
    repeats.forgetExpired(1000 + keptForMs - 1)
    assert.equal(repeats.size, 2)
    repeats.forgetExpired(1000 + keptForMs)
    assert.deepEqual(
      [1, 2].map((n) => repeats.find('s', n) !== undefined),
      [false, true],
    )
    repeats.answeredBelow('s', 3, 6000)
    repeats.forgetExpired(6000 + keptForMs)
    assert.equal(repeats.wasAnswered('s', 2), true)
    repeats.forgetExpired(6001 + keptForMs)
    assert.equal(repeats.wasAnswered('s', 2), false)
    assert.equal(repeats.size, 0)
  })
})
