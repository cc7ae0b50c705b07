import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { FeedPlace } from '@timers/shared/timer/queries.ts'
import type { LoggedEvent } from '@timers/shared/timer/event.ts'
import { allPlaces, markGaps, nextPlaces, placesBehind } from './feed.ts'

function event(partition: number, sequence: number, index = 0): LoggedEvent {
  return { partition, sequence, index } as LoggedEvent
}

const inOrder = (a: LoggedEvent, b: LoggedEvent): number =>
  a.sequence - b.sequence || a.partition - b.partition || a.index - b.index

const isAfter = (place: FeedPlace | undefined, { sequence, index }: LoggedEvent): boolean =>
  place === undefined ||
  sequence > place.sequence ||
  (sequence === place.sequence && place.index !== undefined && index > place.index)

describe('feed', () => {
  it('gives every event once, whatever the page size and wherever records are cut', () => {
    const records = fc.array(
      fc.record({
        partition: fc.nat({ max: 3 }),
        sequence: fc.integer({ min: 1, max: 6 }),
        events: fc.integer({ min: 1, max: 5 }),
      }),
      { maxLength: 20 },
    )
    fc.assert(
      fc.property(records, fc.integer({ min: 1, max: 7 }), (made, limit) => {
        const all = new Map<string, LoggedEvent>()
        for (const { partition, sequence, events } of made) {
          for (let index = 0; index < events; index += 1)
            all.set(`${partition}_${sequence}_${index}`, event(partition, sequence, index))
        }
        const sorted = [...all.values()].sort(inOrder)
        const stored = [0, 1, 2, 3].map((partition) => ({ partition, sequence: 6 }))
        let after: FeedPlace[] = []
        const given: LoggedEvent[] = []
        for (let page = 0; ; page += 1) {
          assert.ok(page < 100, 'it ends')
          const places = placesBehind(allPlaces(after, 4), stored)
          const rest = sorted.filter((found) =>
            places.some((place) => place.partition === found.partition && isAfter(place, found)),
          )
          const events = rest.slice(0, limit)
          const more = rest.length > limit
          given.push(...events)
          after = nextPlaces(allPlaces(after, 4), events, more, stored)
          if (!more) break
        }
        assert.deepEqual(given, sorted)
        assert.deepEqual(
          after.toSorted((a, b) => a.partition - b.partition),
          stored,
        )
      }),
    )
  })

  it('never goes back, and never beyond what is stored', () => {
    assert.deepEqual(
      nextPlaces([{ partition: 0, sequence: 9 }], [], false, [{ partition: 0, sequence: 5 }]),
      [{ partition: 0, sequence: 9 }],
    )
    const cut = nextPlaces([], [event(0, 5, 1)], true, [
      { partition: 0, sequence: 9 },
      { partition: 1, sequence: 3 },
      { partition: 2, sequence: 9 },
    ])
    assert.deepEqual(cut, [
      { partition: 0, sequence: 5, index: 1 },
      { partition: 1, sequence: 3 },
      { partition: 2, sequence: 4 },
    ])
  })

  it('goes on from where it was looked, however little was found', () => {
    const stored = [0, 1, 2].map((partition) => ({ partition, sequence: partition === 1 ? 3 : 9 }))
    const next = nextPlaces([{ partition: 2, sequence: 7, index: 1 }], [event(0, 5, 1)], true, stored, 6)
    assert.deepEqual(next, [
      { partition: 2, sequence: 7, index: 1 },
      { partition: 0, sequence: 6 },
      { partition: 1, sequence: 3 },
    ])
  })

  it('ignores places of partitions that are not there', () => {
    assert.deepEqual(allPlaces([{ partition: 7, sequence: 3 }], 2), [
      { partition: 0, sequence: 0 },
      { partition: 1, sequence: 0 },
    ])
  })

  it('marks the first event behind a gap, in its partition only', () => {
    const events = [event(0, 3), event(1, 10), event(0, 10), event(0, 11)]
    const gaps = [{ partition: 0, first: 10 }]
    assert.deepEqual(
      markGaps(events, gaps, []).map(({ gap }) => gap),
      [false, false, true, false],
    )
    assert.deepEqual(
      markGaps([event(0, 12)], gaps, [{ partition: 0, sequence: 9 }]).map(({ gap }) => gap),
      [true],
    )
    assert.deepEqual(
      markGaps([event(0, 12)], gaps, [{ partition: 0, sequence: 10 }]).map(({ gap }) => gap),
      [false],
    )
  })
})
