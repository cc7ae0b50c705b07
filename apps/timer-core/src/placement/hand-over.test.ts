// Handing partitions over, as both sides do it.

import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { beforeEach, describe, it } from 'node:test'
import { all, FakePlacement, named, numbers } from '../../test/fake-placement.ts'
import { placementTimes } from './host.ts'

describe('a node hands over', () => {
  let w: FakePlacement
  const theirs = named(['me', 'new'], 'new')
  beforeEach(async () => {
    w = new FakePlacement()
    w.host.start()
    await w.pass(placementTimes.listenMs)
    await w.recoverAll()
  })
  const given = (): number[] => numbers(w.opened.filter(({ isGiven }) => isGiven))

  it('what another is named for, a few at once: it reads, we release, it takes', async () => {
    for (const one of w.opened) one.releasing.resolve(undefined)
    const readings: { partition: number; read: (ready: boolean) => void }[] = []
    w.prepares = (_, partition) => new Promise((read) => readings.push({ partition, read }))
    await w.pass(1000, { new: [] })
    assert.equal(readings.length, placementTimes.handOversAtOnce)
    assert.deepEqual(given(), [], 'it released what nobody can take yet')
    const [first] = readings
    first?.read(true)
    await turn()
    assert.deepEqual(given(), [first?.partition])
    assert.deepEqual(w.asked.slice(-1), [`take ${first?.partition ?? ''} new`])
    assert.equal(w.opened.find(({ isGiven }) => isGiven)?.givenTo, 'new')
    const rest = (): boolean => {
      for (const { read } of readings) read(true)
      return given().length === theirs.length
    }
    while (!rest()) await w.pass(250, { new: given() })
    assert.deepEqual(given(), theirs)
    assert.deepEqual(numbers(w.host.owned()), named(['me', 'new'], 'me'))
  })

  it('nothing to one that cannot read it', async () => {
    w.prepares = () => Promise.resolve(false)
    await w.pass(2000, { new: [] })
    assert.deepEqual(given(), [])
    assert.deepEqual(numbers(w.host.owned()), all)
    assert.ok(w.asked.length > placementTimes.handOversAtOnce, 'it did not try again')
  })

  it('to the next in order when the first does not take it', async () => {
    for (const one of w.opened) one.releasing.resolve(undefined)
    w.takes = (node) => Promise.resolve(node !== 'new')
    await w.pass(1000, { new: [], other: [] })
    const [partition] = named(['me', 'new', 'other'], 'new')
    const asked = w.asked.filter((what) => what.split(' ')[1] === String(partition))
    assert.deepEqual(asked, [`prepare ${partition} new`, `take ${partition} new`, `take ${partition} other`])
  })

  it('everything when it leaves, and then it is gone', async () => {
    for (const one of w.opened) one.releasing.resolve(undefined)
    w.heard('new', [])
    const leaving = w.host[Symbol.asyncDispose]()
    while (given().length < all.length) await w.pass(250, { new: given() })
    await w.pass(250, { new: given() })
    await leaving
    assert.deepEqual(given(), all)
    assert.ok(w.opened.every(({ givenTo }) => givenTo === 'new'))
    assert.equal(w.asked.filter((what) => what.startsWith('take')).length, all.length)
  })

  it('nothing more after some seconds, but leaves', async () => {
    for (const one of w.opened) one.releasing.resolve(undefined)
    w.prepares = () => new Promise(() => undefined)
    w.heard('new', [])
    let left = false
    const leaving = w.host[Symbol.asyncDispose]().then(() => (left = true))
    await w.pass(placementTimes.leaveWithinMs - 500, { new: [] })
    assert.equal(left, false)
    await w.pass(1000, { new: [] })
    await leaving
    assert.deepEqual(given(), all)
  })
})

describe('a node that is asked', () => {
  let w: FakePlacement
  /** Not named for this node while the other is there. */
  const [theirs = -1] = named(['me', 'other'], 'other')
  beforeEach(async () => {
    w = new FakePlacement()
    w.host.start()
    await w.pass(placementTimes.listenMs, { other: all })
  })

  it('reads, keeps it, and takes it when it is told to', async () => {
    const prepared = w.host.prepare(theirs)
    const [reading] = w.opened
    assert.ok(reading?.partition === theirs)
    reading.preparing.resolve(true)
    assert.equal(await prepared, true)
    await w.pass(2000, { other: all })
    assert.equal(reading.isGiven, false)
    assert.equal(reading.acquires, 0)
    const taken = w.host.take(theirs)
    assert.equal(reading.tenancy.mine(), true)
    reading.serving = true
    reading.acquiring.resolve(undefined)
    assert.equal(await taken, true)
    assert.deepEqual(numbers(w.host.owned()), [theirs])
  })

  it('does not keep for ever what it was never told to take', async () => {
    const prepared = w.host.prepare(theirs)
    w.opened[0]?.preparing.resolve(true)
    await prepared
    w.opened[0]?.releasing.resolve(undefined)
    await w.pass(placementTimes.preparedForMs + 500, { other: all })
    assert.equal(w.opened[0]?.closed, true)
    assert.equal(w.host.partition(theirs), undefined)
  })

  it('takes what it has read when its owner dies before the word', async () => {
    const prepared = w.host.prepare(theirs)
    w.opened[0]?.preparing.resolve(true)
    await prepared
    await w.pass(1000, { other: all })
    const acquires = (): number => w.opened.reduce((sum, one) => sum + one.acquires, 0)
    assert.equal(acquires(), 0)
    await w.pass(2000)
    assert.equal(w.opened[0]?.acquires, 1)
  })

  it('refuses what it cannot read, has already, or has no hands for', async () => {
    const refused = w.host.prepare(theirs)
    w.opened[0]?.preparing.resolve(false)
    w.opened[0]?.releasing.resolve(undefined)
    assert.equal(await refused, false)
    assert.equal(w.host.partition(theirs), undefined)

    const reading = all
      .slice(0, placementTimes.recoveriesAtOnce)
      .map((partition) => w.host.prepare(partition))
    assert.equal(await w.host.prepare(0), false)
    assert.equal(await w.host.prepare(all.at(-1) ?? -1), false)
    for (const one of w.opened) one.preparing.resolve(true)
    assert.ok((await Promise.all(reading)).every(Boolean))
  })

  it('refuses all when it leaves', async () => {
    await w.host[Symbol.asyncDispose]()
    assert.equal(await w.host.prepare(theirs), false)
    assert.equal(await w.host.take(theirs), false)
    assert.deepEqual(w.opened, [])
  })
})
