import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { beforeEach, describe, it } from 'node:test'
import { all, FakePlacement, named, numbers, partitionCount } from '../../test/fake-placement.ts'
import { placementTimes } from './host.ts'

describe('placement', () => {
  let w: FakePlacement
  beforeEach(() => {
    w = new FakePlacement()
    w.host.start()
  })

  it('listens before it claims, then takes what it is named for, and says so', async () => {
    await w.pass(placementTimes.listenMs - 1)
    assert.deepEqual(w.opened, [])
    await w.pass(1)
    assert.equal(w.opened.length, placementTimes.recoveriesAtOnce)
    await w.pass(5000)
    assert.equal(w.opened.length, placementTimes.recoveriesAtOnce, 'more recover than may')
    assert.deepEqual(w.host.owned(), [])
    await w.recoverAll()
    assert.deepEqual(numbers(w.host.owned()), all)
    assert.equal(w.changes, partitionCount)
    assert.ok(w.opened.every(({ ticks }) => ticks > 0))
  })

  it('leaves to others what they are named for', async () => {
    const theirs = named(['me', 'other'], 'other')
    const mine = named(['me', 'other'], 'me')
    await w.pass(2000, { other: theirs })
    assert.deepEqual(numbers(w.opened), mine.slice(0, w.opened.length))
    assert.equal(w.host.named(theirs[0] ?? -1), 'other')
  })

  it('does not take a partition while another says that it owns it', async () => {
    const mine = named(['me', 'other'], 'me')
    await w.pass(3000, { other: all })
    assert.deepEqual(w.opened, [])
    await w.pass(500, { other: all.filter((partition) => !mine.includes(partition)) })
    assert.deepEqual(numbers(w.opened), mine.slice(0, w.opened.length))
    assert.ok(w.opened.length > 0)
  })

  it('takes all when the other has died', async () => {
    await w.pass(2000, { other: all })
    assert.deepEqual(w.opened, [])
    await w.pass(1700)
    await w.recoverAll()
    assert.deepEqual(numbers(w.host.owned()), all)
  })

  it('tries one whose log is damaged again, but not before a minute', async () => {
    await w.pass(placementTimes.listenMs)
    const [damaged] = w.opened
    assert.ok(damaged)
    damaged.end(new Error('damaged'))
    await w.recoverAll()
    const tries = (): number => w.opened.filter(({ partition }) => partition === damaged.partition).length
    assert.deepEqual(
      numbers(w.host.owned()),
      all.filter((partition) => partition !== damaged.partition),
    )
    await w.pass(55_000)
    assert.equal(tries(), 1)
    await w.pass(10_000)
    assert.equal(tries(), 2)
  })

  it('takes one that ended by itself again while it is named for it', async () => {
    await w.pass(placementTimes.listenMs)
    await w.recoverAll()
    const [ended] = w.opened
    ended?.end()
    await w.pass(250)
    await w.recoverAll()
    assert.equal(w.opened.length, partitionCount + 1)
    assert.deepEqual(numbers(w.host.owned()), all)
  })

  it('gives all up when it leaves and nobody else is there, and takes nothing more', async () => {
    await w.pass(placementTimes.listenMs)
    await w.recoverAll()
    let left = false
    const leaving = w.host[Symbol.asyncDispose]().then(() => (left = true))
    await turn()
    assert.equal(w.host.leaving, true)
    assert.ok(
      w.opened.every(({ tenancy, serving, givenTo }) => !tenancy.mine() && !serving && givenTo === undefined),
    )
    assert.equal(left, false)
    for (const one of w.opened) one.releasing.resolve(undefined)
    await w.pass(500)
    await leaving
    await w.pass(5000)
    assert.equal(w.opened.length, partitionCount)
  })
})
