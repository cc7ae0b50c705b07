import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { TermFilter } from './term-filter.ts'

const takeover = (term: string) => ({ term, body: { kind: 'takeover' as const } })
const batch = (term: string) => ({ term, body: { kind: 'batch' as const } })

describe('the rule of terms', () => {
  it('counts the records of the newest Takeover only', () => {
    const filter = new TermFilter('a')
    assert.equal(filter.admits(batch('a')), true)
    assert.equal(filter.admits(batch('b')), false)
    assert.equal(filter.admits(takeover('b')), true)
    assert.equal(filter.term, 'b')
    assert.equal(filter.admits(batch('a')), false)
    assert.equal(filter.admits(batch('b')), true)
    assert.equal(filter.skipped, 2)
  })

  it('counts nothing before the first Takeover', () => {
    const filter = new TermFilter(undefined)
    assert.equal(filter.admits(batch('a')), false)
    assert.equal(filter.term, undefined)
    assert.equal(filter.admits(takeover('a')), true)
    assert.equal(filter.admits(batch('a')), true)
  })

  it('says of a log read from the middle, with the term in force there, what it says of the whole', () => {
    const record = fc
      .tuple(fc.constantFrom('a', 'b', 'c'), fc.boolean())
      .map(([term, isTakeover]) => (isTakeover ? takeover(term) : batch(term)))
    fc.assert(
      fc.property(fc.array(record), fc.nat(), (log, cut) => {
        const at = cut % (log.length + 1)
        const whole = new TermFilter(undefined)
        const head = log.slice(0, at).map((one) => whole.admits(one))
        const resumed = new TermFilter(whole.term)
        const tail = log.slice(at)
        assert.equal(head.length, at)
        assert.deepEqual(
          tail.map((one) => resumed.admits(one)),
          tail.map((one) => whole.admits(one)),
        )
        assert.equal(resumed.term, whole.term)
      }),
    )
  })
})
