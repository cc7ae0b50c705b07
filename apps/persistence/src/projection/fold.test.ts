import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LogRecord } from '@timers/shared/log/record.ts'
import { TermFilter } from '@timers/shared/log/term-filter.ts'
import { batchRecord, idsOf, makeTimer, takeoverRecord } from '../../test/events.ts'
import type { MadeEvent } from '../../test/events.ts'
import { fold, UnreadableLogError } from './fold.ts'
import type { Folded, LogMessage } from './fold.ts'

const options = { partition: 1, partitionCount: 4, dataId: 'a', format: 1, eventsMost: 1000 }
const [idA = '', idB = ''] = idsOf(1, 4, 2)
const [elsewhere = ''] = idsOf(2, 4, 1)

function of(timerId: string, version: number): MadeEvent {
  return { type: version === 1 ? 'created' : 'updated', timer: makeTimer({ timerId, version }) }
}

/** A message's only byte is the number of its record; what is no record does not decode. */
function foldAll(records: (LogRecord | undefined)[], over = {}, filter = new TermFilter(undefined)): Folded {
  const messages = records.map((_, index): LogMessage => ({
    sequence: index + 1,
    storedAtMs: 1000 + index,
    data: new Uint8Array([index]),
  }))
  return fold({ ...options, ...over }, filter, messages, ([index = 0]) => {
    const record = records[index]
    if (record === undefined) throw new Error('not a record')
    return record
  })
}

describe('fold', () => {
  it('keeps every event in order, and the newest of each timer', () => {
    const folded = foldAll([
      takeoverRecord('t1', 'a', 4),
      batchRecord('t1', [of(idA, 1), of(idB, 1), of(idA, 2)], 77),
      batchRecord('t1', [of(idA, 3)]),
    ])
    assert.deepEqual(
      folded.events.map(({ sequence, index, timer, partition }) => [
        partition,
        sequence,
        index,
        timer.version,
      ]),
      [
        [1, 2, 0, 1],
        [1, 2, 1, 1],
        [1, 2, 2, 2],
        [1, 3, 0, 3],
      ],
    )
    assert.equal(folded.events[0]?.occurredAtMs, 77)
    assert.ok(folded.events.every((event) => !('session' in event)))
    assert.deepEqual(folded.newest.map(({ timer }) => `${timer.timerId} ${timer.version}`).toSorted(), [
      `${idA} 3`,
      `${idB} 1`,
    ])
    assert.deepEqual(folded.place, { sequence: 3, term: 't1', storedAtMs: 1002 })
    assert.equal(folded.taken, 3)
  })

  it('skips and counts what is not of the term in force', () => {
    const folded = foldAll([
      batchRecord('t0', [of(idA, 1)]),
      takeoverRecord('t1', 'a', 4),
      batchRecord('t0', [of(idA, 7)]),
      batchRecord('t1', [of(idA, 2)]),
    ])
    assert.equal(folded.skipped, 2)
    assert.deepEqual(
      folded.events.map(({ timer }) => timer.version),
      [2],
    )
    assert.equal(folded.place.sequence, 4)
  })

  it('goes on in the term that was in force', () => {
    assert.equal(foldAll([batchRecord('t9', [of(idA, 2)])], {}, new TermFilter('t9')).events.length, 1)
  })

  it('sets aside what is no record, of no known kind, or of another partition, and goes on', () => {
    const folded = foldAll([
      takeoverRecord('t1', 'a', 4),
      undefined,
      { ...batchRecord('t1', []), body: { kind: 'unknown' } },
      batchRecord('t1', [of(elsewhere, 1), of(idA, 1)]),
    ])
    assert.deepEqual(
      folded.poison.map(({ sequence, reason }) => [sequence, reason]),
      [
        [2, 'not a record'],
        [3, 'its kind is not known'],
        [4, 'event 0 is of another partition'],
      ],
    )
    assert.deepEqual(
      folded.events.map(({ index, timer }) => [index, timer.timerId]),
      [[1, idA]],
    )
  })

  it('stops with the record that makes it big enough', () => {
    const folded = foldAll(
      [
        takeoverRecord('t1', 'a', 4),
        batchRecord('t1', [of(idA, 1), of(idB, 1)]),
        batchRecord('t1', [of(idA, 2)]),
      ],
      { eventsMost: 2 },
    )
    assert.equal(folded.taken, 2)
    assert.equal(folded.place.sequence, 2)
  })

  it('does not read past a newer format or a Takeover of other data', () => {
    assert.throws(() => foldAll([{ ...takeoverRecord('t1', 'a', 4), format: 2 }]), UnreadableLogError)
    assert.throws(() => foldAll([takeoverRecord('t1', 'z', 4)]), UnreadableLogError)
  })
})
