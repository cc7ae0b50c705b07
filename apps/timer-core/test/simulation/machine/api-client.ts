// One timer-api process as far as the core sees it: the real client over channels of the simulated world.

import { MeasuredClock } from '@timers/shared/cluster/measured-clock.ts'
import { Directory } from '@timers/shared/cluster/directory.ts'
import { createCoreClient, type CoreClient } from '@timers/shared/grpc/core-client.ts'
import { quiet } from '@timers/shared/test/quiet.ts'
import { CoreChannel } from './core-channel.ts'
import { Hearing } from './heartbeats.ts'
import type { Machine } from './machine.ts'
import { SimProcess } from './process.ts'
import { followTime } from './time.ts'

export class ApiClient {
  readonly name: string
  readonly process: SimProcess
  readonly clock: MeasuredClock
  readonly client: CoreClient
  readonly hearing: Hearing
  readonly #channels = new Set<CoreChannel>()
  readonly #cutFrom = new Set<string>()

  constructor(options: { readonly name: string; readonly wallAheadMs: number }, machine: Machine) {
    const { broker, scheduler } = machine
    const random = machine.random.of(options.name)
    this.name = options.name
    this.process = new SimProcess(options, { scheduler, random: random.of('process') })
    const { process } = this
    this.clock = new MeasuredClock({ machine: process.clock })
    const { clock } = this
    void followTime({ broker, process, scheduler, clock, random: random.of('time') })
    const directory = new Directory({ deadAfterMs: 1500 })
    this.hearing = new Hearing({ broker, process, scheduler, random: random.of('ears'), directory })
    const { partitionCount } = machine.options
    this.client = createCoreClient(
      { partitionCount, session: random.of('session').hex(16) },
      {
        directory,
        clock,
        logger: quiet,
        random: random.of('backoff').next,
        openChannel: (address) => {
          const node = machine.nodeAt(address)
          const channelRandom = random.of(address)
          const channel = new CoreChannel({
            client: process,
            node,
            partitionCount,
            scheduler,
            random: channelRandom,
          })
          this.#channels.add(channel)
          if (node !== undefined && this.#cutFrom.has(node.name)) channel.cut()
          return channel
        },
      },
    )
  }

  /** From this core node, whichever process has its name. */
  cut(node: string): void {
    this.#cutFrom.add(node)
    for (const channel of this.#channels) if (channel.node?.name === node) channel.cut()
  }

  /** Its streams to this node end, and are opened again. */
  reset(node: string): void {
    for (const channel of this.#channels) if (channel.node?.name === node) channel.reset()
  }

  heal(node: string): void {
    if (!this.#cutFrom.delete(node)) return
    for (const channel of this.#channels) if (channel.node?.name === node) channel.heal()
  }
}
