// The whole system with three brokers, and a wire between each service and each server it uses: three timer-core, two
// of each other. Between API or gateway and core there is one too where loopback has more addresses than one.

import { partitionOf } from '@timers/shared/partition-of.ts'
import type { Service } from '@timers/dev/service.ts'
import { startWorld, type World } from '../world.ts'
import { Wire } from './wire.ts'

export const partitionCount = 24
const counts = { 'timer-core': 3, 'timer-api': 2, 'ws-gateway': 2, persistence: 2 } as const
const otherAddress = '127.0.0.2'

export interface Wires {
  /** To the brokers. */
  readonly nats: readonly Wire[]
  /** To mongod. */
  readonly mongod: readonly Wire[]
  /** From whoever calls it. */
  readonly grpc: Wire[]
}

export interface ChaosWorld extends World {
  wiresOf(name: string): Wires
  /** The id of a timer of this partition that was never used. */
  freshId(partition: number): string
}

export async function startChaosWorld(random: () => number): Promise<ChaosWorld> {
  await using stack = new AsyncDisposableStack()
  const wires = new Map<string, Wires>()
  const wireTo = async (url: string): Promise<Wire> =>
    stack.use(await Wire.start({ to: Number(new URL(url).port) }, { random }))
  const hasOtherAddress = process.platform === 'linux'
  const world = await startWorld({
    counts,
    brokers: 3,
    env: {
      PARTITION_COUNT: String(partitionCount),
      ...(hasOtherAddress ? { ADVERTISE_HOST: otherAddress } : {}),
    },
    async serversOf(name, { natsUrl, mongodbUri }) {
      const nats = await Promise.all(natsUrl.split(',').map(wireTo))
      const mongod = mongodbUri === undefined ? [] : [await wireTo(mongodbUri)]
      wires.set(name, { nats, mongod, grpc: [] })
      return {
        natsUrl: nats.map(({ port }) => `nats://127.0.0.1:${port}`).join(','),
        mongodbUri: mongod.map(({ port }) => `mongodb://127.0.0.1:${port}/timers`)[0],
      }
    },
  })
  stack.use(world)
  if (hasOtherAddress) {
    for (const { name, grpc } of world.cluster.services) {
      if (grpc === undefined) continue
      const port = Number(grpc.slice(grpc.lastIndexOf(':') + 1))
      const wire = stack.use(await Wire.start({ to: port, host: otherAddress, port }, { random }))
      wires.get(name)?.grpc.push(wire)
    }
  }
  const owned = stack.move()
  return {
    ...world,
    wiresOf: (name) => wires.get(name) ?? { nats: [], mongod: [], grpc: [] },
    freshId: freshIds(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

export function servicesOf(world: World, role: Service['role']): readonly Service[] {
  return world.cluster.services.filter((service) => service.role === role)
}

function freshIds(): (partition: number) => string {
  const next = new Array<number>(partitionCount).fill(0)
  return (partition) => {
    for (let i = next[partition] ?? 0; ; i += 1) {
      const id = `probe-${i}`
      if (partitionOf('default', id, partitionCount) !== partition) continue
      next[partition] = i + 1
      return id
    }
  }
}
