import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDuration, parseDuration } from './duration.ts'

test('reads durations as people write them', () => {
  const table = {
    '90s': 90_000,
    '5m': 300_000,
    '1h30m': 5_400_000,
    '1500ms': 1500,
    '1500': 1500,
    '0': 0,
    '-0': 0,
    '1.5s': 1500,
    '1.001s': 1001,
    '2d': 172_800_000,
    '1w': 604_800_000,
    '1m30s5ms': 90_005,
    '-10s': -10_000,
    '+10s': 10_000,
  }
  for (const [text, ms] of Object.entries(table)) assert.equal(parseDuration(text), ms, text)
})

test('refuses what is no whole number of milliseconds', () => {
  for (const text of [
    '',
    's',
    '5x',
    '1.5',
    '0.5ms',
    '5 m',
    '--5s',
    '5m-3s',
    '1e3',
    '5M',
    'NaN',
    '9007199254740993',
  ])
    assert.equal(parseDuration(text), undefined, text)
})

test('any sum of units is read back', () => {
  const units = fc.record({ h: fc.nat(9999), m: fc.nat(59), s: fc.nat(59), ms: fc.nat(999) })
  fc.assert(
    fc.property(units, ({ h, m, s, ms }) => {
      assert.equal(parseDuration(`${h}h${m}m${s}s${ms}ms`), ((h * 60 + m) * 60 + s) * 1000 + ms)
    }),
  )
})

test('shows what is left, rounded up', () => {
  const table = [
    [0, '0:00.0'],
    [1, '0:00.1'],
    [100, '0:00.1'],
    [3000, '0:03.0'],
    [59_901, '1:00.0'],
    [754_500, '12:34.5'],
    [3_599_901, '1:00:00'],
    [3_723_000, '1:02:03'],
    [176_523_000, '2d 01:02:03'],
    [-1500, '-0:01.5'],
  ] as const
  for (const [ms, text] of table) assert.equal(formatDuration(ms), text)
})
