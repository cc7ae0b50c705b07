import assert from 'node:assert/strict'
import { test } from 'node:test'
import { percentile, resultOf, type Goal } from './bench-kit.ts'

const pairs = [
  { ours: 60, floor: 10 },
  { ours: 1, floor: 12 },
  { ours: 61, floor: 900 },
]

function met(goal: Goal): boolean | null {
  return resultOf('x', { unit: 'B', goal }, pairs).met
}

test('medians of ours and of the floor, and their ratio', () => {
  const { ours, floor, ratio } = resultOf('x', { unit: 'B' }, pairs)
  assert.deepEqual({ ours, floor, ratio }, { ours: 60, floor: 12, ratio: 5 })
  const four = resultOf('x', { unit: 'B' }, [...pairs, { ours: 80, floor: 14 }])
  assert.deepEqual({ ours: four.ours, floor: four.floor }, { ours: 60.5, floor: 13 })
})

test('a goal is of the ratio or of ours, and includes its value', () => {
  assert.equal(met({ of: 'ratio', is: '≥', value: 5 }), true)
  assert.equal(met({ of: 'ratio', is: '≥', value: 5.1 }), false)
  assert.equal(met({ of: 'ratio', is: '≤', value: 5 }), true)
  assert.equal(met({ of: 'ratio', is: '≤', value: 4.9 }), false)
  assert.equal(met({ of: 'ours', is: '≥', value: 60 }), true)
  assert.equal(met({ of: 'ours', is: '≤', value: 59 }), false)
})

test('without a floor there is no ratio, without a goal nothing to meet', () => {
  const alone = [{ ours: 1, floor: null }]
  const goal = { of: 'ratio', is: '≥', value: 1 } as const
  assert.equal(resultOf('x', { unit: 'B', goal }, alone).ratio, null)
  assert.equal(resultOf('x', { unit: 'B', goal }, alone).met, null)
  assert.equal(resultOf('x', { unit: 'B' }, pairs).met, null)
})

test('percentiles', () => {
  const values = Float64Array.from({ length: 100 }, (_, i) => 99 - i)
  assert.deepEqual([percentile(values, 0), percentile(values, 0.5), percentile(values, 0.99)], [0, 50, 99])
  assert.equal(percentile(values, 1), 99)
})
