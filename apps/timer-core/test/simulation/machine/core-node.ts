// One timer-core node as app.ts puts it together, over the ports of the simulated world. A node that starts again
// is another one of these under the same name.

import { MeasuredClock } from '@timers/shared/cluster/measured-clock.ts'
import { Directory, type NodeState } from '@timers/shared/cluster/directory.ts'
import type { Heartbeats } from '@timers/shared/nats/heartbeats.ts'
import { snapshotCodec } from '@timers/shared/wire/snapshot-wire.ts'
import { createPacking } from '@timers/shared/wire/timer-wire.ts'
import type { PartitionLog, SnapshotStore } from '../../../src/partition/ports.ts'
import { Partition } from '../../../src/partition/partition.ts'
import { Turns } from '../../../src/partition/turns.ts'
import { Host } from '../../../src/placement/host.ts'
import { SnapshotLane } from '../../../src/snapshot/lane.ts'
import { simulatedRules } from './readers.ts'
import type { Peers } from '../../../src/placement/peers.ts'
import { BrokerLink } from './broker-link.ts'
import type { CoreChannel } from './core-channel.ts'
import { Hearing, sayOn } from './heartbeats.ts'
import { createMemoryLog } from './memory-log.ts'
import { createMemoryPeers } from './memory-peers.ts'
import { createMemorySnapshots } from './snapshots.ts'
import { followTime } from './time.ts'
import { SimProcess } from './process.ts'
import type { Machine } from './machine.ts'
import type { Random } from './random.ts'

export class CoreNode {
  readonly name: string
  readonly incarnation: string
  readonly address: string
  readonly process: SimProcess
  readonly clock: MeasuredClock
  readonly link: BrokerLink
  /** Snapshots never go over the log's. */
  readonly snapshotLink: BrokerLink
  readonly hearing: Hearing
  readonly host: Host
  /** Of all clients. */
  readonly channels = new Set<CoreChannel>()
  readonly #machine: Machine
  readonly #random: Random
  readonly #snapshots: SnapshotStore
  #heartbeats: Heartbeats | undefined
  #started = false

  constructor(options: { readonly name: string; readonly wallAheadMs: number }, machine: Machine) {
    const { name } = options
    const { broker, scheduler } = machine
    this.name = name
    this.#machine = machine
    this.incarnation = `${(machine.starts += 1)}`
    this.address = `${name}:${this.incarnation}`
    const random = machine.random.of(this.address)
    this.#random = random
    this.process = new SimProcess(options, { scheduler, random: random.of('process') })
    const { process } = this
    this.link = new BrokerLink({
      broker,
      process,
      scheduler,
      random: random.of('link'),
      opened: (link) => {
        machine.trace.add(name, `is connected, ${link.id}`)
        this.#heartbeats = sayOn(link, process, () => this.#self())
        if (!this.#started) this.host.start()
        this.#started = true
      },
      closed: () => {
        machine.trace.add(name, 'has lost its connection')
        void this.#heartbeats?.[Symbol.asyncDispose]()
      },
    })
    this.snapshotLink = new BrokerLink({ broker, process, scheduler, random: random.of('snapshots') })
    this.snapshotLink.connect()
    this.#snapshots = createMemorySnapshots({ broker, link: this.snapshotLink })
    const directory = new Directory({ deadAfterMs: 1500 })
    this.hearing = new Hearing({ broker, process, scheduler, random: random.of('ears'), directory })
    this.clock = new MeasuredClock({ machine: process.clock })
    this.host = this.#createHost(directory)
    void followTime({ broker, process, scheduler, clock: this.clock, random: random.of('time') }).then(() => {
      this.link.connect()
    })
  }

  /** As SIGTERM does it. */
  async leave(): Promise<void> {
    await this.host[Symbol.asyncDispose]()
    await this.#heartbeats?.[Symbol.asyncDispose]()
    this.crash()
  }

  /** As SIGKILL does it. */
  crash(): void {
    this.process.kill()
    this.link.reset()
    this.snapshotLink.reset()
    for (const channel of this.channels) channel.nodeDied()
  }

  #self(): NodeState {
    const { name, incarnation, address, host } = this
    const { dataId } = this.#machine.options
    return { name, incarnation, role: 'timer-core', address, dataId, ...host.said() }
  }

  #createHost(directory: Directory): Host {
    const { name } = this
    const clock = this.#machine.planted?.clock?.(this.clock) ?? this.clock
    const { partitionCount, dataId } = this.#machine.options
    const turns = new Turns({ clock })
    const packing = createPacking()
    const snapshots = {
      store: this.#snapshots,
      codec: snapshotCodec,
      readers: this.#machine.readers.over(this.snapshotLink),
      lane: new SnapshotLane(),
      rules: simulatedRules,
    }
    return new Host(
      { node: name, partitionCount },
      {
        directory,
        clock,
        peers: this.#peers(),
        changed: () => this.#heartbeats?.now(),
        open: (partition, tenancy) =>
          new Partition(
            { partition, partitionCount, dataId, node: name },
            {
              log: this.#log(partition),
              clock,
              turns,
              random: this.#random.of('backoff').next,
              newTerm: () => this.#random.hex(16),
              packing,
              observer: {
                appended: () => undefined,
                fired: () => undefined,
                tookOver: () => {
                  this.#machine.watch.serving(this, partition)
                },
                trouble: (_, message, detail) => {
                  this.#machine.trace.add(name, `p${partition} ${message}: ${detail}`)
                },
              },
              snapshots,
              ...tenancy,
              applied: () => undefined,
            },
          ),
      },
    )
  }

  #peers(): Peers {
    const { scheduler, apart } = this.#machine
    return createMemoryPeers({
      process: this.process,
      scheduler,
      random: this.#random.of('peers'),
      nodeAt: (address) => this.#machine.nodeAt(address),
      apart,
    })
  }

  #log(partition: number): PartitionLog {
    const { broker, watch, planted } = this.#machine
    const log = createMemoryLog(partition, {
      broker,
      link: this.link,
      random: this.#random.of('log'),
      fenced: planted?.unfenced !== true,
    })
    const watched: PartitionLog = {
      ...log,
      append: async (record, expected, connectionId) => {
        watch.sending(this, partition, record)
        const outcome = await log.append(record, expected, connectionId)
        watch.concluded(this, partition, record, expected, outcome)
        return outcome
      },
    }
    return planted?.log?.(watched) ?? watched
  }
}
