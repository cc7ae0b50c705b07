// The port Peers between the simulated nodes: what grpc/peers.ts is over gRPC.

import { peerTimes, type Peers } from '../../../src/placement/peers.ts'
import { usualLatency } from './broker-link.ts'
import type { CoreNode } from './core-node.ts'
import type { SimProcess } from './process.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

export interface PeersDeps {
  readonly process: SimProcess
  readonly scheduler: Scheduler
  readonly random: Random
  readonly nodeAt: (address: string) => CoreNode | undefined
  /** No two nodes reach each other while one of them is named here. */
  readonly apart: ReadonlySet<string>
}

export function createMemoryPeers(deps: PeersDeps): Peers {
  const { process, scheduler, random, nodeAt, apart } = deps
  const ask = (
    address: string,
    withinMs: number,
    question: (node: CoreNode) => Promise<boolean>,
  ): Promise<boolean> => {
    const node = nodeAt(address)
    const latencyMs = (): number => random.between(usualLatency.leastMs, usualLatency.mostMs)
    const reached = (): boolean => node !== undefined && !apart.has(process.name) && !apart.has(node.name)
    return new Promise((resolve) => {
      const answer = (done: boolean): void => {
        cancel()
        resolve(done)
      }
      const cancel = process.clock.after(withinMs, () => {
        resolve(false)
      })
      scheduler.at(scheduler.nowMs + latencyMs(), () => {
        if (node === undefined || node.process.dead) {
          process.input(latencyMs(), () => {
            answer(false)
          })
        } else if (reached()) {
          node.process.input(0, () => {
            void question(node).then((done) => {
              if (!reached()) return
              process.input(latencyMs(), () => {
                answer(done)
              })
            })
          })
        }
      })
    })
  }
  return {
    prepare: ({ address }, partition) =>
      ask(address, peerTimes.prepareMs, (node) => node.host.prepare(partition)),
    take: ({ address }, partition) => ask(address, peerTimes.takeMs, (node) => node.host.take(partition)),
  }
}
