import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { AnsweredKey } from '@timers/shared/log/record.ts'
import { answeredKey } from '@timers/shared/test/arbitraries.ts'
import { AnsweredKeys } from './answered-keys.ts'

const hourMs = 3_600_000
const now = 480_000 * hourMs

/** Digests that collide in the table, all different. */
function keyOf(number: number, version = 1): AnsweredKey {
  const digest = new Uint8Array(16)
  new DataView(digest.buffer).setUint32(12, number)
  return { digest, body: new Uint8Array(8).fill(number), status: 200, version }
}

describe('the answered keys', () => {
  it('are found again as they were added, however many, and others are not', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(answeredKey, { selector: ({ digest }) => digest.join(), maxLength: 300 }),
        (all) => {
          const keys = new AnsweredKeys()
          const [unknown, ...added] = all
          for (const [i, key] of added.entries()) keys.add(key, now + i * 400_000)
          assert.equal(keys.size, added.length)
          for (const key of added) assert.deepEqual(keys.find(key.digest), key)
          if (unknown !== undefined) assert.equal(keys.find(unknown.digest), undefined)
          const walked = [...keys.walk()].map(({ answered }) => answered.digest.join()).sort()
          assert.deepEqual(walked, added.map(({ digest }) => digest.join()).sort())
        },
      ),
    )
  })

  it('are told apart when their digests begin alike', () => {
    const keys = new AnsweredKeys()
    for (let number = 0; number < 1000; number += 1) keys.add(keyOf(number, number + 1), now)
    for (let number = 0; number < 1000; number += 1) {
      assert.equal(keys.find(keyOf(number).digest)?.version, number + 1)
    }
    assert.equal(keys.find(keyOf(1000).digest), undefined)
  })

  it('are known for a day and forgotten by whole hours after it', () => {
    const keys = new AnsweredKeys()
    keys.add(keyOf(1), now)
    keys.add(keyOf(2), now + hourMs)
    keys.forgetExpired(now + 24 * hourMs + hourMs - 1)
    assert.equal(keys.size, 2)
    keys.forgetExpired(now + 25 * hourMs)
    assert.equal(keys.find(keyOf(1).digest), undefined)
    assert.equal(keys.find(keyOf(2).digest)?.status, 200)
  })

  it('once in an hour are there once: the first counts; in a later hour the newest', () => {
    const keys = new AnsweredKeys()
    keys.add(keyOf(1, 5), now)
    keys.add(keyOf(1, 6), now)
    assert.equal(keys.size, 1)
    assert.equal(keys.find(keyOf(1).digest)?.version, 5)
    keys.add(keyOf(1, 7), now + 26 * hourMs)
    assert.equal(keys.find(keyOf(1).digest)?.version, 7)
  })

  it('come back from what a walk tells, also while others are added', () => {
    const keys = new AnsweredKeys()
    for (let number = 0; number < 200; number += 1) keys.add(keyOf(number), now + number * 60_000)
    const back = new AnsweredKeys()
    let added = 1000
    for (const item of keys.walk()) {
      back.restore(item)
      if (added < 1100) keys.add(keyOf((added += 1)), now + 100 * 60_000)
    }
    for (let number = 0; number < 200; number += 1) {
      assert.deepEqual(back.find(keyOf(number).digest), keyOf(number))
    }
    back.forgetExpired(now + 30 * hourMs)
    assert.equal(back.size, 0)
  })
})
