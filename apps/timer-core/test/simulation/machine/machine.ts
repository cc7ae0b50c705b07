// The simulated world: virtual time, the broker, the processes. What is done to it is faults.ts, what is asked of it
// run.ts; what must hold in it is watched from outside.

import type { Clock } from '@timers/shared/clock.ts'
import type { LogRecord } from '@timers/shared/log/record.ts'
import type { AppendOutcome, PartitionLog } from '../../../src/partition/ports.ts'
import { ApiClient } from './api-client.ts'
import { Broker } from './broker.ts'
import { CoreNode } from './core-node.ts'
import { epochMs } from './process.ts'
import { Readers } from './readers.ts'
import { Random } from './random.ts'
import { Scheduler } from './scheduler.ts'
import type { Stored } from './stream.ts'
import { Trace } from './trace.ts'

export interface MachineOptions {
  readonly seed: number
  readonly partitionCount: number
  readonly dataId: string
  readonly nodes: number
  readonly clients: number
  /** Keeps every line of the trace. */
  readonly wholeTrace: boolean
}

/** Told of everything that can be judged. */
export interface Watch {
  committed(partition: number, stored: Stored): void
  cut(partition: number, last: number): void
  /** The log begins at `first` now. */
  purged(machine: Machine, partition: number, first: number): void
  /** A snapshot. */
  removed(machine: Machine, partition: number, sequence: number): void
  sending(node: CoreNode, partition: number, record: LogRecord): void
  concluded(
    node: CoreNode,
    partition: number,
    record: LogRecord,
    expected: number,
    outcome: AppendOutcome,
  ): void
  serving(node: CoreNode, partition: number): void
  failed(error: unknown): void
}

/** A bug that is put in on purpose. */
export interface Planted {
  readonly log?: (log: PartitionLog) => PartitionLog
  readonly clock?: (clock: Clock) => Clock
  /** Appends expect nothing of the log. */
  readonly unfenced?: boolean
}

/** Brokers run NTP, and so do nodes. */
const wallApartMs = 20

export class Machine {
  readonly options: MachineOptions
  readonly random: Random
  readonly scheduler: Scheduler
  readonly trace: Trace
  readonly broker: Broker
  readonly readers: Readers
  readonly watch: Watch
  readonly planted: Planted | undefined
  readonly nodes: CoreNode[] = []
  readonly clients: readonly ApiClient[]
  readonly #byAddress = new Map<string, CoreNode>()
  /** Nodes that no other node reaches. */
  readonly apart = new Set<string>()
  /** Of true time. */
  brokerAheadMs = 0
  /** Of core nodes, so far. */
  starts = 0

  constructor(
    options: MachineOptions,
    deps: { readonly watch: Watch; readonly planted: Planted | undefined },
  ) {
    this.options = options
    this.planted = deps.planted
    this.watch = deps.watch
    this.random = new Random(options.seed).of('world')
    this.scheduler = new Scheduler({
      failed: (error) => {
        this.watch.failed(error)
      },
    })
    const { scheduler } = this
    this.trace = new Trace({ all: options.wholeTrace }, { nowMs: () => scheduler.nowMs })
    const { watch } = this
    this.broker = new Broker(options, {
      scheduler,
      random: this.random.of('broker'),
      nowMs: () => epochMs + scheduler.nowMs + this.brokerAheadMs,
      committed: (partition, stored) => {
        watch.committed(partition, stored)
      },
      purged: (partition, first) => {
        watch.purged(this, partition, first)
      },
      removed: (partition, sequence) => {
        watch.removed(this, partition, sequence)
      },
      cut: (partition, last) => {
        watch.cut(partition, last)
      },
    })
    this.readers = new Readers({ broker: this.broker, scheduler, isThere: this.random.chance(0.5) })
    this.clients = Array.from(
      { length: options.clients },
      (_, i) => new ApiClient({ name: `api-${i}`, wallAheadMs: this.#wallAheadMs() }, this),
    )
    for (let i = 0; i < options.nodes; i += 1) this.startNode(`core-${i}`)
  }

  /** The process of this name; it may be dead. */
  node(name: string): CoreNode | undefined {
    return this.nodes.find((node) => node.name === name)
  }

  nodeAt(address: string): CoreNode | undefined {
    return this.#byAddress.get(address)
  }

  /** Another one of the same name must be dead. */
  startNode(name: string): void {
    const node = new CoreNode({ name, wallAheadMs: this.#wallAheadMs() }, this)
    const at = this.nodes.findIndex((one) => one.name === name)
    if (at >= 0) this.nodes[at] = node
    else this.nodes.push(node)
    this.#byAddress.set(node.address, node)
    this.trace.add(name, 'starts')
  }

  #wallAheadMs(): number {
    return this.random.between(-wallApartMs, wallApartMs)
  }
}
