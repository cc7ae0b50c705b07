import assert from 'node:assert/strict'
import test from 'node:test'
import { z } from 'zod'
import { flag, wholeNumber } from './parameters.ts'
import { readQuery } from './query.ts'

const schema = z.strictObject({
  limit: wholeNumber(1, 500).optional(),
  live: flag.optional(),
  label: z.array(z.string().max(3)).optional(),
})

function read(query: string): unknown {
  const parsed = readQuery(`/v1/x${query}`, schema)
  if ('code' in parsed) return parsed.code
  return parsed.ok ? parsed.value : parsed.faults.map(({ parameter, code }) => `${parameter ?? '?'} ${code}`)
}

test('what is known is read, escapes and plus signs too', () => {
  assert.deepEqual(read(''), {})
  assert.deepEqual(read('?'), {})
  assert.deepEqual(read('?limit=5&live=true&'), { limit: 5, live: true })
  assert.deepEqual(read('?label=a%3A1&label=b+c'), { label: ['a:1', 'b c'] })
})

test('both edges of a number', () => {
  assert.deepEqual(read('?limit=1'), { limit: 1 })
  assert.deepEqual(read('?limit=500'), { limit: 500 })
  assert.deepEqual(read('?limit=0'), ['limit out_of_range'])
  assert.deepEqual(read('?limit=501'), ['limit out_of_range'])
  for (const text of ['', '1.5', '-1', '1e2', '0x1', ' 1', '%31%00']) {
    assert.deepEqual(read(`?limit=${text}`), ['limit wrong_format'], text)
  }
})

test('every fault is told: unknown, repeated, ill-formed', () => {
  assert.deepEqual(read('?x=1&__proto__=2&live=1&limit=1&limit=2&label=long1'), [
    'limit not_allowed',
    'live not_allowed',
    'label out_of_range',
    'x unknown_field',
    '__proto__ unknown_field',
  ])
})

test('broken escapes and endless queries are malformed', () => {
  for (const query of ['?limit=%', '?%zz=1', '?limit=%ff', '?label=%c0%80', `?${'a&'.repeat(300)}`]) {
    assert.equal(read(query), 'malformed', query.slice(0, 20))
  }
})

test('a route without parameters takes none', () => {
  const parsed = readQuery('/v1/x?a=1', undefined)
  assert.ok(!('code' in parsed) && !parsed.ok)
  assert.deepEqual(readQuery('/v1/x', undefined), { ok: true, value: undefined })
  assert.deepEqual(readQuery('/v1/x?', undefined), { ok: true, value: undefined })
})
