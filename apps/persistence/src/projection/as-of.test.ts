import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { asOfAll, asOfMs, hasReached } from './as-of.ts'
import type { StoredPosition } from './repository.ts'

function position(partition: number, over: Partial<StoredPosition> = {}): StoredPosition {
  return {
    partition,
    dataId: 'a',
    build: 'b',
    sequence: 10,
    term: 't',
    storedAtMs: 1000,
    endSeenAtMs: 2000,
    ...over,
  }
}
const cluster = { dataId: 'a', partitionCount: 2 }

describe('asOf', () => {
  it('is the later of the end seen and the newest record read', () => {
    assert.equal(asOfMs(position(0)), 2000)
    assert.equal(asOfMs(position(0, { storedAtMs: 3000 })), 3000)
    assert.equal(asOfMs(position(0, { storedAtMs: undefined })), 2000)
  })

  it('is the oldest over all partitions', () => {
    assert.equal(asOfAll([position(0, { endSeenAtMs: 1500 }), position(1)], cluster), 1500)
  })

  it('is not to be told while a partition is missing, of other data, or never read to its end', () => {
    assert.equal(asOfAll([position(0)], cluster), undefined)
    assert.equal(asOfAll([position(0), position(1, { dataId: 'z' })], cluster), undefined)
    assert.equal(asOfAll([position(0), position(1, { endSeenAtMs: 0 })], cluster), undefined)
    assert.equal(asOfAll([position(0), position(1), position(7, { endSeenAtMs: 0 })], cluster), 2000)
  })
})

describe('hasReached', () => {
  it('wants every position', () => {
    const positions = [position(0), position(1, { sequence: 5 })]
    assert.ok(hasReached(positions, []))
    assert.ok(
      hasReached(positions, [
        { partition: 0, sequence: 10 },
        { partition: 1, sequence: 5 },
      ]),
    )
    assert.equal(hasReached(positions, [{ partition: 1, sequence: 6 }]), false)
    assert.equal(hasReached(positions, [{ partition: 2, sequence: 1 }]), false)
  })
})
