import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { beforeEach, describe, it } from 'node:test'
import { rendezvousOrder } from '@timers/shared/cluster/rendezvous.ts'
import { all, FakePlacement, named, numbers, partitionCount } from '../../test/fake-placement.ts'
import { placementTimes } from './host.ts'
import { quarantineLimits } from './quarantine.ts'

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
    assert.equal(w.host.said().leaving, true)
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

  it('gives nothing to one that is held down, unless nobody else is there', async () => {
    await w.pass(placementTimes.listenMs, { other: [] })
    await w.recoverAll({ other: named(['me', 'other'], 'other') })
    await w.pass(2000)
    await w.recoverAll()
    assert.deepEqual(numbers(w.host.owned()), all)
    // It died, and is back.
    await w.pass(2000, { other: [] })
    assert.deepEqual(w.host.said().heldDown, ['other'])
    assert.deepEqual(w.asked, [])
    await w.pass(4000, { other: [] })
    assert.ok(w.asked.length > 0)
  })

  it('takes nothing while another says that it is held down', async () => {
    w.heard('other', [], { heldDown: ['me'] })
    await w.pass(250)
    for (let passed = 0; passed < 4000; passed += 250) {
      w.heard('other', [], { heldDown: ['me'] })
      await w.pass(250)
    }
    assert.deepEqual(w.opened, [])
    await w.pass(1000, { other: [] })
    assert.ok(w.opened.length > 0)
  })

  it('listens first after it stood still, then keeps what it serves and takes nothing for a while', async () => {
    const mine = named(['me', 'other'], 'me')
    await w.pass(placementTimes.listenMs, { other: [] })
    await w.recoverAll({ other: [] })
    w.clock.wallAheadMs = 10_000
    const asked = w.asked.length
    await w.pass(3000, { other: [] })
    assert.deepEqual(numbers(w.host.owned()), mine)
    const opened = w.opened.length
    // Of the other's nothing is taken while it is held down, also when nobody says that it owns it.
    assert.equal(w.host.named(mine[0] ?? -1), 'other')
    assert.deepEqual([w.asked.length, opened], [asked, mine.length])
    await w.pass(3000, { other: [] })
    assert.equal(w.host.named(mine[0] ?? -1), 'me')
  })
})

describe('a partition that cannot be served', () => {
  const { againAfterMs } = quarantineLimits
  const partition = 0
  let w: FakePlacement
  beforeEach(() => {
    w = new FakePlacement()
    w.host.start()
  })
  const tries = (): number => w.opened.filter((one) => one.partition === partition).length
  const fail = (): void => w.opened.findLast((one) => one.partition === partition)?.end(new Error('damaged'))

  it('is said to be, tried again after a minute, three times in all; the others go on', async () => {
    await w.pass(placementTimes.listenMs)
    fail()
    await w.recoverAll()
    assert.deepEqual(
      numbers(w.host.owned()),
      all.filter((other) => other !== partition),
    )
    assert.deepEqual(w.host.said().quarantined, [{ partition, tries: 1 }])
    for (const tried of [1, 2]) {
      await w.pass(againAfterMs - 5000)
      assert.equal(tries(), tried)
      await w.pass(10_000)
      assert.equal(tries(), tried + 1)
      fail()
    }
    await w.pass(3 * againAfterMs)
    assert.equal(tries(), 3)
  })

  it('is left to another node first', async () => {
    const others = (tries: number) => ({ quarantined: tries === 0 ? [] : [{ partition, tries }] })
    const goOn = async (ms: number, otherTries: number): Promise<void> => {
      for (let passed = 0; passed < ms; passed += 250) {
        w.heard(
          'other',
          all.filter((one) => one !== partition),
          others(otherTries),
        )
        await w.pass(250)
      }
    }
    await goOn(placementTimes.listenMs, 1)
    await goOn(againAfterMs - 2000, 1)
    assert.equal(w.host.named(partition), undefined)
    assert.equal(tries(), 0)
    await goOn(3000, 1)
    assert.equal(w.host.named(partition), 'me')
    assert.equal(tries(), 1)
    fail()
    await goOn(againAfterMs + 1000, 1)
    assert.equal(w.host.named(partition), rendezvousOrder(partition, ['me', 'other'])[0])
    await goOn(2 * againAfterMs, 2)
    assert.equal(w.host.named(partition), undefined)
  })
})
