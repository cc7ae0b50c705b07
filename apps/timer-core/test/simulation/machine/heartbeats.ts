// The real heartbeats, over connections of the simulated broker.

import type { NatsConnection } from '@nats-io/transport-node'
import type { Directory, NodeState } from '@timers/shared/cluster/directory.ts'
import { followHeartbeats, startHeartbeats, type Heartbeats } from '@timers/shared/nats/heartbeats.ts'
import { quiet } from '@timers/shared/test/quiet.ts'
import type { Broker } from './broker.ts'
import type { BrokerLink } from './broker-link.ts'
import { Pipe } from './pipe.ts'
import { usualLatency } from './broker-link.ts'
import type { SimProcess } from './process.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

export function sayOn(link: BrokerLink, process: SimProcess, self: () => NodeState): Heartbeats {
  const { id } = link
  const connection = {
    isClosed: () => link.id !== id,
    publish: (_: string, message: Uint8Array) => {
      link.publish(message)
    },
    flush: () => Promise.resolve(),
  }
  return startHeartbeats(
    { intervalMs: 250 },
    { connection: connection as unknown as NatsConnection, clock: process.clock, self },
  )
}

export interface Ears {
  readonly broker: Broker
  readonly process: SimProcess
  readonly scheduler: Scheduler
  readonly random: Random
  readonly directory: Directory
}

/** What a process hears of the others; what it is told while it is deaf comes late or never. */
export class Hearing {
  readonly #deps: Ears
  #pipe: Pipe
  #deaf = false
  /** Of these nothing comes. */
  readonly #deafTo = new Set<string>()

  constructor(deps: Ears) {
    this.#deps = deps
    this.#pipe = new Pipe(usualLatency, deps)
    const { broker, process, directory } = deps
    const connection = {
      subscribe: (
        _: string,
        { callback }: { callback: (error: null, message: { data: Uint8Array }) => void },
      ) => {
        const end = broker.listen((message, from) => {
          if (process.dead) end()
          else if (!this.#deafTo.has(from))
            this.#pipe.carry(() => {
              process.input(0, () => {
                callback(null, { data: message })
              })
            })
        })
        return { unsubscribe: end }
      },
    }
    followHeartbeats({
      connection: connection as unknown as NatsConnection,
      directory,
      clock: process.clock,
      logger: quiet,
    })
  }

  deafenTo(node: string): void {
    this.#deafTo.add(node)
  }
  hearFrom(node: string): void {
    this.#deafTo.delete(node)
  }

  deafen(): void {
    this.#deaf = true
    this.#pipe.hold()
  }

  hear(): void {
    if (!this.#deaf) return
    this.#deaf = false
    if (this.#deps.random.chance(0.5)) {
      this.#pipe.release()
      return
    }
    this.#pipe.close(false)
    this.#pipe = new Pipe(usualLatency, this.#deps)
  }
}
