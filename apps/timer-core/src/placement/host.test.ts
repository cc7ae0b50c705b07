import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import { beforeEach, describe, it } from 'node:test'
import { Directory, type NodeState } from '@timers/shared/cluster/directory.ts'
import { rendezvousOrder } from '@timers/shared/cluster/rendezvous.ts'
import { VirtualClock } from '../../test/virtual-clock.ts'
import type { Partition } from '../partition/partition.ts'
import { Host, placementTimes } from './host.ts'

const partitionCount = 12
const all = Array.from({ length: partitionCount }, (_, partition) => partition)
const named = (nodes: readonly string[], node: string): number[] =>
  all.filter((partition) => rendezvousOrder(partition, nodes)[0] === node)

/** As much of a Partition as placement sees; its recovery ends when the test says so. */
class FakePartition {
  readonly partition: number
  readonly mine: () => boolean
  readonly acquiring = Promise.withResolvers<undefined>()
  readonly releasing = Promise.withResolvers<undefined>()
  serving = false
  closed = false
  givenTo: string | undefined
  ticks = 0

  constructor(partition: number, mine: () => boolean) {
    this.partition = partition
    this.mine = mine
  }
  acquire(): Promise<void> {
    return this.acquiring.promise
  }
  tick(): void {
    this.ticks += 1
  }
  async release(owner: string | undefined): Promise<void> {
    this.serving = false
    this.givenTo = owner
    await this.releasing.promise
    this.closed = true
  }
}

describe('placement', () => {
  let clock: VirtualClock
  let directory: Directory
  /** In the order they were opened. */
  let opened: FakePartition[]
  let changes: number
  let host: Host
  beforeEach(() => {
    clock = new VirtualClock()
    directory = new Directory({ deadAfterMs: 1500 })
    opened = []
    changes = 0
    host = new Host(
      { node: 'me', partitionCount },
      {
        directory,
        clock,
        open: (partition, mine) => {
          const fake = new FakePartition(partition, mine)
          opened.push(fake)
          return fake as unknown as Partition
        },
        changed: () => (changes += 1),
      },
    )
    host.start()
  })
  const heard = (name: string, owned: readonly number[], more: Partial<NodeState> = {}): void => {
    directory.hear(
      {
        name,
        incarnation: '1',
        role: 'timer-core',
        address: `${name}:1`,
        dataId: 'd',
        owned: owned.map((partition) => ({ partition, sequence: 1, term: 't' })),
        leaving: false,
        ...more,
      },
      clock.monotonicMs(),
    )
  }
  /** Time passes with these words every 250 ms; what follows from it happens. */
  const pass = async (
    ms: number,
    others: Readonly<Record<string, readonly number[]>> = {},
  ): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 250) {
      for (const [name, owned] of Object.entries(others)) heard(name, owned)
      clock.pass(Math.min(250, ms - passed))
      await turn()
    }
  }
  const recoverAll = async (): Promise<void> => {
    for (let before = -1; before !== opened.length;) {
      before = opened.length
      for (const one of opened) {
        if (!one.closed && one.givenTo === undefined) one.serving = true
        one.acquiring.resolve(undefined)
      }
      await pass(500)
    }
  }
  const numbers = (list: readonly { partition: number }[]): number[] =>
    list.map(({ partition }) => partition).sort((a, b) => a - b)

  it('listens before it claims, then takes what it is named for, and says so', async () => {
    await pass(placementTimes.listenMs - 1)
    assert.deepEqual(opened, [])
    await pass(1)
    assert.equal(opened.length, placementTimes.recoveriesAtOnce)
    await pass(5000)
    assert.equal(opened.length, placementTimes.recoveriesAtOnce, 'more recover than may')
    assert.deepEqual(host.owned(), [])
    await recoverAll()
    assert.deepEqual(numbers(host.owned()), all)
    assert.equal(changes, partitionCount)
    assert.ok(opened.every(({ ticks }) => ticks > 0))
  })

  it('leaves to others what they are named for', async () => {
    const theirs = named(['me', 'other'], 'other')
    const mine = named(['me', 'other'], 'me')
    await pass(2000, { other: theirs })
    assert.deepEqual(numbers(opened), mine.slice(0, opened.length))
    assert.equal(host.named(theirs[0] ?? -1), 'other')
  })

  it('does not take a partition while another says that it owns it', async () => {
    const mine = named(['me', 'other'], 'me')
    await pass(3000, { other: all })
    assert.deepEqual(opened, [])
    await pass(500, { other: all.filter((partition) => !mine.includes(partition)) })
    assert.deepEqual(numbers(opened), mine.slice(0, opened.length))
    assert.ok(opened.length > 0)
  })

  it('takes all when the other has died', async () => {
    await pass(2000, { other: all })
    assert.deepEqual(opened, [])
    await pass(1700)
    await recoverAll()
    assert.deepEqual(numbers(host.owned()), all)
  })

  it('gives up what another is named for, once, and takes it back when that one has left', async () => {
    await pass(placementTimes.listenMs)
    await recoverAll()
    const theirs = named(['me', 'new'], 'new')
    await pass(1000, { new: [] })
    const given = opened.filter(({ givenTo }) => givenTo !== undefined)
    assert.deepEqual(numbers(given), theirs)
    assert.ok(given.every(({ givenTo, mine }) => givenTo === 'new' && !mine()))
    assert.deepEqual(numbers(host.owned()), named(['me', 'new'], 'me'))
    const told = changes
    for (const one of given) one.releasing.resolve(undefined)
    await turn()
    assert.equal(changes, told + theirs.length)
    assert.equal(host.partition(theirs[0] ?? -1), undefined)

    heard('new', [], { leaving: true })
    await pass(500)
    await recoverAll()
    assert.deepEqual(numbers(host.owned()), all)
  })

  it('tries one whose log is damaged again, but not before a minute', async () => {
    await pass(placementTimes.listenMs)
    const [damaged] = opened
    assert.ok(damaged)
    damaged.closed = true
    damaged.acquiring.reject(new Error('damaged'))
    await recoverAll()
    const tries = (): number => opened.filter(({ partition }) => partition === damaged.partition).length
    assert.deepEqual(
      numbers(host.owned()),
      all.filter((partition) => partition !== damaged.partition),
    )
    await pass(55_000)
    assert.equal(tries(), 1)
    await pass(10_000)
    assert.equal(tries(), 2)
  })

  it('gives all up when it leaves, and takes nothing more', async () => {
    await pass(placementTimes.listenMs)
    await recoverAll()
    let left = false
    const leaving = host[Symbol.asyncDispose]().then(() => (left = true))
    await turn()
    assert.ok(opened.every(({ mine, serving }) => !mine() && !serving))
    assert.equal(left, false)
    for (const one of opened) one.releasing.resolve(undefined)
    await leaving
    await pass(5000)
    assert.equal(opened.length, partitionCount)
  })
})
