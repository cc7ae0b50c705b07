// What is done to a running system, and undone again. Each deed leaves it as it was: everything runs, every wire is
// whole. When and to whom is the seed's to say.

import { setTimeout as delay } from 'node:timers/promises'
import type { Service } from '@timers/dev/service.ts'
import { subjects } from '@timers/shared/subjects.ts'
import type { Direction } from './wire.ts'
import { partitionCount, servicesOf, type ChaosWorld, type Wires } from './world.ts'

export interface Scene {
  readonly world: ChaosWorld
  readonly random: () => number
  /** Called when partitions have just lost their owner: what the table calls it, and which. */
  readonly lost: (what: string, partitions: readonly number[]) => void
}

export interface Deed {
  readonly name: string
  run(scene: Scene): Promise<void>
}

interface Killable {
  readonly name?: string
  kill(): Promise<void>
  restart(): Promise<void>
  pause(): void
  resume(): void
}

export function pick<T>(all: readonly T[], random: () => number): T {
  const one = all[Math.floor(random() * all.length)]
  if (one === undefined) throw new Error('there is nothing to choose from')
  return one
}

function between(random: () => number, leastMs: number, mostMs: number): number {
  return leastMs + random() * (mostMs - leastMs)
}

function ownedBy({ world }: Scene, { name }: Service): readonly number[] {
  return world.cluster.owners.ownedBy(name)
}

async function killAndRestart(victim: Killable, random: () => number): Promise<void> {
  await victim.kill()
  await delay(between(random, 200, 3000))
  await victim.restart()
}

async function standStill(victim: Killable, ms: number): Promise<void> {
  victim.pause()
  await delay(ms)
  victim.resume()
}

function ofAService(role: Service['role']): Deed {
  return {
    name: `kill -9 of a ${role}`,
    run: ({ world, random }) => killAndRestart(pick(servicesOf(world, role), random), random),
  }
}

/** Which wires of which service, and what is done to them. */
function onWires(
  name: string,
  role: Service['role'],
  which: (wires: Wires) => Wires[keyof Wires],
  how: 'cut' | 'hold' | 'holdOne' | 'halfClose' | 'slow',
): Deed {
  return {
    name,
    async run({ world, random }) {
      const wires = which(world.wiresOf(pick(servicesOf(world, role), random).name))
      const direction: Direction = random() < 0.5 ? 'up' : 'down'
      for (const wire of wires) {
        if (how === 'cut') wire.cut()
        else if (how === 'slow') wire.slow(between(random, 20, 300))
        else if (how === 'halfClose') wire.halfClose(direction)
        else if (how === 'holdOne') wire.hold(direction)
        else for (const each of ['up', 'down'] as const) wire.hold(each)
      }
      await delay(between(random, 300, 6000))
      for (const wire of wires) {
        wire.mend()
        // What was held for long arrives late or, as often, not at all.
        if (random() < 0.5) wire.reset()
      }
    },
  }
}

export const coreCrash = 'core crash → first served command'

const toNats = (wires: Wires): readonly Wires['nats'][number][] => wires.nats

/** As often as they stand here. */
export const deeds: readonly Deed[] = [
  ...Array<Deed>(4).fill({
    name: 'kill -9 of a timer-core',
    async run(scene) {
      const victim = pick(servicesOf(scene.world, 'timer-core'), scene.random)
      const owned = ownedBy(scene, victim)
      await victim.kill()
      scene.lost(coreCrash, owned)
      await delay(between(scene.random, 200, 4000))
      await victim.restart()
    },
  }),
  ...Array<Deed>(3).fill({
    name: 'a timer-core stands still',
    async run(scene) {
      const victim = pick(servicesOf(scene.world, 'timer-core'), scene.random)
      const owned = ownedBy(scene, victim)
      const ms = between(scene.random, 500, 10_000)
      if (ms > 3500) scene.lost('core stands still → first served command', owned)
      await standStill(victim, ms)
    },
  }),
  {
    name: 'a timer-core is restarted',
    run: ({ world, random }) => pick(servicesOf(world, 'timer-core'), random).restart(),
  },
  ...Array<Deed>(2).fill({
    name: 'kill -9 of the broker that leads a log',
    async run(scene) {
      const { world, random } = scene
      const partition = Math.floor(random() * partitionCount)
      const leader = await world.cluster.leaderOf(subjects.stream(partition))
      const victim = leader ?? pick(world.cluster.brokers, random)
      await victim.kill()
      scene.lost('log leader crash → first served command', [partition])
      await delay(between(random, 200, 3000))
      await victim.restart()
    },
  }),
  {
    name: 'a broker stands still',
    run: ({ world, random }) => standStill(pick(world.cluster.brokers, random), between(random, 300, 6000)),
  },
  ...Array<Deed>(2).fill(onWires('a timer-core is cut off from NATS', 'timer-core', toNats, 'cut')),
  onWires('a timer-core hears and says nothing on NATS', 'timer-core', toNats, 'hold'),
  onWires('a timer-core is heard, or hears, but not both', 'timer-core', toNats, 'holdOne'),
  onWires('NATS connections of a timer-core are half closed', 'timer-core', toNats, 'halfClose'),
  onWires('NATS is slow for a timer-core', 'timer-core', toNats, 'slow'),
  onWires('a timer-core cannot be called', 'timer-core', ({ grpc }) => grpc, 'cut'),
  onWires('calls to a timer-core hang', 'timer-core', ({ grpc }) => grpc, 'hold'),
  onWires('answers of a timer-core, or calls to it, hang', 'timer-core', ({ grpc }) => grpc, 'holdOne'),
  onWires('calls to a timer-core are slow', 'timer-core', ({ grpc }) => grpc, 'slow'),
  onWires('a timer-api is cut off from NATS', 'timer-api', toNats, 'cut'),
  onWires('a ws-gateway hears nothing on NATS', 'ws-gateway', toNats, 'hold'),
  onWires('a persistence is cut off from mongod', 'persistence', ({ mongod }) => mongod, 'cut'),
  onWires('mongod does not answer a persistence', 'persistence', ({ mongod }) => mongod, 'holdOne'),
  onWires('a persistence is cut off from NATS', 'persistence', toNats, 'hold'),
  ofAService('timer-api'),
  ofAService('ws-gateway'),
  ofAService('persistence'),
  {
    name: 'kill -9 of mongod',
    async run({ world, random }) {
      if (world.cluster.mongod) await killAndRestart(world.cluster.mongod, random)
    },
  },
]
