// One node's placement with partitions that do as they are told, among others that are heard of and asked.

import { setImmediate as turn } from 'node:timers/promises'
import { Directory, type NodeState } from '@timers/shared/cluster/directory.ts'
import { rendezvousOrder } from '@timers/shared/cluster/rendezvous.ts'
import type { Partition } from '../src/partition/partition.ts'
import { Host, type Tenancy } from '../src/placement/host.ts'
import { VirtualClock } from './virtual-clock.ts'

export const partitionCount = 12
export const all = Array.from({ length: partitionCount }, (_, partition) => partition)
export const named = (nodes: readonly string[], node: string): number[] =>
  all.filter((partition) => rendezvousOrder(partition, nodes)[0] === node)
export const numbers = (list: readonly { partition: number }[]): number[] =>
  list.map(({ partition }) => partition).sort((a, b) => a - b)

/** As much of a Partition as placement sees; its recovery ends when the test says so. */
export class FakePartition {
  readonly partition: number
  readonly tenancy: Tenancy
  readonly preparing = Promise.withResolvers<boolean>()
  readonly acquiring = Promise.withResolvers<undefined>()
  readonly releasing = Promise.withResolvers<undefined>()
  serving = false
  closed = false
  givenTo: string | undefined
  isGiven = false
  ticks = 0
  acquires = 0
  readonly sequence = 7
  readonly term = 't'

  constructor(partition: number, tenancy: Tenancy) {
    this.partition = partition
    this.tenancy = tenancy
  }
  prepare(): Promise<boolean> {
    return this.preparing.promise
  }
  acquire(): Promise<void> {
    this.acquires += 1
    return this.acquiring.promise
  }
  /** It ends by itself. */
  end(fault?: unknown): void {
    if (this.closed) return
    this.closed = true
    this.serving = false
    this.tenancy.ended(fault)
    this.acquiring.resolve(undefined)
  }
  get announced(): boolean {
    return this.serving
  }
  tick(): void {
    this.ticks += 1
  }
  async release(owner: string | undefined): Promise<void> {
    this.serving = false
    this.isGiven = true
    this.givenTo = owner
    await this.releasing.promise
    this.end()
  }
}

export class FakePlacement {
  readonly clock = new VirtualClock()
  readonly directory = new Directory({ deadAfterMs: 1500 })
  /** In the order they were opened. */
  readonly opened: FakePartition[] = []
  changes = 0
  /** What was asked of the others. */
  readonly asked: string[] = []
  /** What they say. */
  prepares: (node: string, partition: number) => Promise<boolean> = () => Promise.resolve(true)
  takes: (node: string, partition: number) => Promise<boolean> = () => Promise.resolve(true)
  readonly host = new Host(
    { node: 'me', partitionCount },
    {
      directory: this.directory,
      clock: this.clock,
      peers: {
        prepare: ({ name }, partition) => {
          this.asked.push(`prepare ${partition} ${name}`)
          return this.prepares(name, partition)
        },
        take: ({ name }, partition) => {
          this.asked.push(`take ${partition} ${name}`)
          return this.takes(name, partition)
        },
      },
      open: (partition, tenancy) => {
        const fake = new FakePartition(partition, tenancy)
        this.opened.push(fake)
        return fake as unknown as Partition
      },
      changed: () => (this.changes += 1),
    },
  )

  /** Another node says that it is there, and owns these. */
  heard(name: string, owned: readonly number[], more: Partial<NodeState> = {}): void {
    this.directory.hear(
      {
        ...{ name, incarnation: '1', role: 'timer-core', address: `${name}:1`, dataId: 'd', leaving: false },
        owned: owned.map((partition) => ({ partition, sequence: 1, term: 't' })),
        ...more,
      },
      this.clock.monotonicMs(),
    )
  }

  /** Time passes with these words every 250 ms; what follows from it happens. */
  async pass(ms: number, others: Readonly<Record<string, readonly number[]>> = {}): Promise<void> {
    for (let passed = 0; passed < ms; passed += 250) {
      for (const [name, owned] of Object.entries(others)) this.heard(name, owned)
      this.directory.sweep(this.clock.monotonicMs())
      this.clock.pass(Math.min(250, ms - passed))
      for (let turns = 0; turns < 3; turns += 1) await turn()
    }
  }

  async recoverAll(others: Readonly<Record<string, readonly number[]>> = {}): Promise<void> {
    for (let before = -1; before !== this.opened.length;) {
      before = this.opened.length
      for (const one of this.opened) {
        if (!one.closed && !one.isGiven && one.acquires > 0) one.serving = true
        one.acquiring.resolve(undefined)
      }
      await this.pass(500, others)
    }
  }
}
