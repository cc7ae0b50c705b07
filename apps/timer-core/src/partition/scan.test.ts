import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ScanPage, Selection } from '@timers/shared/timer/results.ts'
import { eventOf, idle, packing } from '../../test/timers.ts'
import { scanLimits, scanPages } from './scan.ts'
import { PartitionState } from './state.ts'

const stand = { partition: 3, sequence: 9, term: 'term' }

function stateOf(count: number, name: (i: number) => string): PartitionState {
  const state = new PartitionState(packing)
  for (let i = 0; i < count; i += 1) state.apply(eventOf('created', idle(name(i))))
  return state
}

function scan(state: PartitionState, selection: Selection, tenantId = 'default'): ScanPage[] {
  return [...scanPages(state, stand, tenantId, selection)]
}

describe('a scan', () => {
  it('is one page at least, and says where it stands', () => {
    const pages = scan(stateOf(0, String), { all: true })
    assert.deepEqual(pages, [{ ...stand, timers: [], more: false }])
  })

  it('gives each timer of the tenant once, 500 a page, the last page without more', () => {
    const state = stateOf(1234, (i) => `t${i}`)
    state.apply(eventOf('created', idle('x', { tenantId: 'other' })))
    const pages = scan(state, { all: true })
    assert.deepEqual(
      pages.map(({ timers, more }) => [timers.length, more]),
      [
        [500, true],
        [500, true],
        [234, false],
      ],
    )
    const ids = pages.flatMap(({ timers }) => timers.map(({ timerId }) => timerId))
    assert.equal(new Set(ids).size, 1234)
    assert.ok(pages.every(({ sequence, term }) => sequence === 9 && term === 'term'))
    assert.deepEqual(
      scan(state, { all: true }, 'other').flatMap(({ timers }) => timers.length),
      [1],
    )
  })

  it('by ids leaves out those that are not there', () => {
    const pages = scan(
      stateOf(3, (i) => `t${i}`),
      { timerIds: ['t2', 'none', 't0'] },
    )
    assert.deepEqual(
      pages.flatMap(({ timers }) => timers.map(({ timerId }) => timerId)),
      ['t2', 't0'],
    )
  })

  it('by prefix ends a page after so many looks, however few it has found', () => {
    const state = stateOf(2 * scanLimits.lookedAtATurn + 1, (i) => (i % 5000 === 0 ? `a${i}` : `b${i}`))
    const pages = scan(state, { prefix: 'a' })
    assert.deepEqual(
      pages.map(({ timers, more }) => [timers.length, more]),
      [
        [1, true],
        [1, true],
        [1, false],
      ],
    )
  })
})
