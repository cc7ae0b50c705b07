// The index against a plain search, through any history of subscribing and ending.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Selection } from '@timers/shared/timer/results.ts'
import { Subscriptions, type Selecting } from './subscriptions.ts'

const timerId = fc.constantFrom('a', 'ab', 'abc', 'b', 'ba', 'a.b', 'aé')
const selection: fc.Arbitrary<Selection> = fc.oneof(
  fc.record({ timerIds: fc.uniqueArray(timerId, { minLength: 1, maxLength: 4 }) }),
  fc.record({ prefix: fc.constantFrom('a', 'ab', 'abcd', 'b', 'x') }),
  fc.constant({ all: true } as const),
)
const step = fc.oneof(
  fc.record({ do: fc.constant('add'), tenantId: fc.constantFrom('t1', 't2'), selection }),
  fc.record({ do: fc.constant('remove'), at: fc.nat({ max: 20 }) }),
)

function selects({ selection }: Selecting, id: string): boolean {
  if ('timerIds' in selection) return selection.timerIds.includes(id)
  return 'all' in selection || id.startsWith(selection.prefix)
}

test('an event finds exactly the subscriptions of its tenant that select its timer, each once', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: 'max' }), timerId, (steps, id) => {
      const index = new Subscriptions()
      const there: Selecting[] = []
      for (const one of steps) {
        if (one.do === 'add') {
          const added = { tenantId: one.tenantId, selection: one.selection }
          index.add(added)
          there.push(added)
        } else {
          const [removed] = there.splice(one.at % Math.max(1, there.length), 1)
          if (removed !== undefined) index.remove(removed)
        }
      }
      assert.equal(index.size, there.length)
      for (const tenantId of ['t1', 't2', 't3']) {
        const found: Selecting[] = []
        index.find(tenantId, id, found)
        const expected = there.filter((one) => one.tenantId === tenantId && selects(one, id))
        assert.equal(found.length, expected.length)
        assert.deepEqual(new Set(found), new Set(expected))
      }
    }),
    { numRuns: 300 },
  )
})
