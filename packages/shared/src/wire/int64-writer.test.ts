import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BinaryWriter } from '@bufbuild/protobuf/wire'
import fc from 'fast-check'
import { Int64Writer } from './int64-writer.ts'

test('writes every int64 as the library does', () => {
  const edges = [0, 1, 127, 128, 2 ** 28 - 1, 2 ** 28, 2 ** 32 - 1, 2 ** 32, 2 ** 35, Number.MAX_SAFE_INTEGER]
  const values = fc.oneof(fc.constantFrom(...edges, ...edges.map((edge) => -edge)), fc.maxSafeInteger())
  fc.assert(
    fc.property(fc.array(values), (all) => {
      const [ours, theirs] = [new Int64Writer(), new BinaryWriter()]
      for (const value of all) {
        ours.int64(value)
        theirs.int64(value)
      }
      assert.deepEqual(ours.finish(), theirs.finish())
    }),
  )
  assert.throws(() => new Int64Writer().int64(0.5))
})
