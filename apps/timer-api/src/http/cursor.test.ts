import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import {
  digestOf,
  feedCursor,
  historyCursor,
  listCursor,
  readFeedCursor,
  readHistoryCursor,
  readListCursor,
} from './cursor.ts'

const natural = fc.maxSafeNat()
const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._~-]{0,20}$/)

test('a cursor comes back as it was made, and only for its own filters', () => {
  fc.assert(
    fc.property(natural, id, fc.string(), fc.string(), (createdAtMs, timerId, filter, other) => {
      const digest = digestOf([filter])
      const cursor = listCursor({ createdAtMs, timerId }, digest)
      assert.match(cursor, /^[\w-]+$/)
      assert.deepEqual(readListCursor(cursor, digest), { createdAtMs, timerId })
      if (other !== filter) assert.equal(readListCursor(cursor, digestOf([other])), undefined)
      assert.equal(readHistoryCursor(historyCursor(createdAtMs, digest), digest), createdAtMs)
      assert.equal(readHistoryCursor(cursor, digest), undefined)
    }),
  )
})

const place = fc.record({
  sequence: fc.integer({ min: 1, max: 2 ** 40 }),
  index: fc.option(fc.nat(), { nil: undefined }),
})

test("a place in the feed comes back, of this cluster's data only", () => {
  fc.assert(
    fc.property(fc.array(fc.option(place), { minLength: 1, maxLength: 128 }), (vector) => {
      const options = { dataId: 'd1', partitionCount: vector.length }
      const places = vector.flatMap((one, partition) =>
        one === null
          ? []
          : [{ partition, sequence: one.sequence, ...(one.index !== undefined && { index: one.index }) }],
      )
      const cursor = feedCursor(places, options)
      assert.deepEqual(readFeedCursor(cursor, options), places)
      assert.equal(readFeedCursor(cursor, { ...options, dataId: 'd2' }), undefined)
      assert.equal(readFeedCursor(cursor, { ...options, partitionCount: vector.length + 1 }), undefined)
    }),
  )
})

test('whatever a client makes up is no cursor, and nothing worse', () => {
  const options = { dataId: 'd1', partitionCount: 2 }
  const forged = [
    [digestOf(['d1']), 1, -1],
    [digestOf(['d1']), 1, 1.5],
    [digestOf(['d1']), [1, 2, 3], 1],
    [digestOf(['d1']), [], 1],
    {},
    null,
    5,
  ]
  for (const value of forged) {
    const text = Buffer.from(JSON.stringify(value)).toString('base64url')
    assert.equal(readFeedCursor(text, options), undefined, text)
    assert.equal(readListCursor(text, 'x'), undefined)
    assert.equal(readHistoryCursor(text, 'x'), undefined)
  }
  fc.assert(
    fc.property(fc.string(), (text) => {
      assert.equal(readFeedCursor(text, options), undefined)
      assert.equal(readListCursor(text, 'x'), undefined)
    }),
  )
  assert.equal(readListCursor('A'.repeat(20_000), 'x'), undefined)
})
