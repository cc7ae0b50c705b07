import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { whereToStart } from './position-rule.ts'
import type { LogNow, Start } from './position-rule.ts'
import type { StoredPosition } from './repository.ts'

const stored: StoredPosition = {
  partition: 0,
  dataId: 'a',
  build: 'b',
  sequence: 10,
  term: 't',
  storedAtMs: 1000,
  endSeenAtMs: 5,
}
const log: LogNow = { dataId: 'a', first: 1, last: 20, markAtMs: 1000 }

describe('whereToStart', () => {
  const cases: [string, StoredPosition | undefined, LogNow, Start | string, unknown?][] = [
    ['goes on in the middle', stored, log, 'continue'],
    ['goes on at the end', stored, { ...log, last: 10 }, 'continue'],
    ['goes on right before the first', stored, { ...log, first: 11, markAtMs: undefined }, 'continue'],
    ['goes on in an emptied log', stored, { ...log, first: 11, last: 10, markAtMs: undefined }, 'continue'],
    [
      'goes on where nothing was read yet',
      { ...stored, sequence: 0, storedAtMs: undefined },
      { ...log, markAtMs: undefined },
      'continue',
    ],
    ['starts at 1 without a position', undefined, { ...log, markAtMs: undefined }, 'new'],
    ['tells the gap of a cut log', undefined, { ...log, first: 5 }, 'new', { from: 1, to: 4 }],
    ['starts over with other data', stored, { ...log, dataId: 'z' }, 'other data'],
    [
      'does so even if the log is longer',
      stored,
      { ...log, dataId: 'z', first: 8 },
      'other data',
      { from: 1, to: 7 },
    ],
    [
      'starts over beyond the last',
      stored,
      { ...log, last: 9, markAtMs: undefined },
      'log shorter than read',
    ],
    ['starts over beyond an empty log', stored, { ...log, last: 0 }, 'log shorter than read'],
    [
      'starts over below the first',
      stored,
      { ...log, first: 12, markAtMs: undefined },
      'log cut ahead of us',
      { from: 11, to: 11 },
    ],
    ['starts over when the record is another one', stored, { ...log, markAtMs: 1001 }, 'log rewritten'],
  ]
  for (const [name, position, now, expected, gap] of cases) {
    it(name, () => {
      const start = whereToStart(position, now)
      if (expected === 'continue') assert.deepEqual(start, { kind: 'continue', position })
      else {
        const doubtful = expected === 'log shorter than read' || expected === 'log rewritten'
        assert.deepEqual(start, { kind: 'rebuild', why: expected, first: now.first, gap, doubtful })
      }
    })
  }
})
