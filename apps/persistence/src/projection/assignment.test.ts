import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assignedPartitions } from './assignment.ts'

describe('assignedPartitions', () => {
  it('gives each partition to exactly one of the live', () => {
    const live = ['a', 'b', 'c']
    const shares = live.map((name) => assignedPartitions(name, live, 64))
    const all = shares.flatMap((share) => [...share])
    assert.deepEqual(
      all.toSorted((a, b) => a - b),
      Array.from({ length: 64 }, (_, partition) => partition),
    )
    for (const share of shares) assert.ok(share.size > 5, `a share of ${share.size}`)
  })

  it('counts the node itself, heard or not, and takes over all that a dead one had', () => {
    assert.equal(assignedPartitions('a', [], 64).size, 64)
    const before = assignedPartitions('a', ['a', 'b'], 64)
    assert.deepEqual(assignedPartitions('a', ['b'], 64), before)
    for (const partition of before) assert.ok(assignedPartitions('a', ['a'], 64).has(partition))
  })
})
