// What goes wrong in a run, and how it is done to the world. Each fault ends at the latest when the chaos does.

import type { CoreNode } from './machine/core-node.ts'
import { usualLatency } from './machine/broker-link.ts'
import type { Machine } from './machine/machine.ts'
import type { Random } from './machine/random.ts'

const kinds = {
  crash: 6,
  leave: 3,
  join: 1,
  stop: 4,
  suspend: 1,
  cutLog: 5,
  resetLog: 5,
  deafen: 3,
  deafenClient: 1,
  deafenClientTo: 4,
  cutClient: 3,
  resetClient: 4,
  apart: 2,
  slowNode: 2,
  slowLog: 2,
  stepWall: 2,
  stepBroker: 1,
  brokerDown: 3,
  powerLoss: 2,
  noQuorum: 3,
  staleReads: 3,
  shortReads: 3,
  lostAnswers: 4,
  lateAppends: 4,
  full: 2,
} as const
type Kind = keyof typeof kinds

export interface Fault {
  /** Its place in the whole scenario. */
  readonly id: number
  readonly kind: Kind
  readonly atMs: number
  readonly forMs: number
  readonly node: string
  readonly client: number
  readonly partition: number
  /** How much of it, [0, 1). */
  readonly much: number
}

/** Of each fault how long it lasts, about. */
const usuallyMs: Partial<Record<Kind, number>> = {
  crash: 2500,
  leave: 2500,
  slowNode: 6000,
  deafenClientTo: 5000,
  full: 3000,
}
const mostWallStepMs = 1900

export function drawFaults(
  random: Random,
  world: {
    readonly partitionCount: number
    readonly nodes: number
    readonly clients: number
    readonly chaosMs: number
  },
): Fault[] {
  const count = random.integer(0, random.pick([4, 8, 14]))
  // Half of the runs have much of a few kinds: what needs three of one comes to pass.
  const few = Array.from({ length: 3 }, () => random.weighted(kinds))
  const weights = random.chance(0.5) ? kinds : weightsOf(few)
  return Array.from({ length: count }, (_, id): Fault => {
    const kind = random.weighted(weights)
    const atMs = random.between(300, world.chaosMs)
    const longMs = (usuallyMs[kind] ?? 2000) * random.pick([0.1, 0.5, 1, 2.5])
    return {
      id,
      kind,
      atMs,
      forMs: Math.min(longMs * random.between(0.5, 1.5), world.chaosMs - atMs),
      node: `core-${random.integer(0, world.nodes - 1)}`,
      client: random.integer(0, world.clients - 1),
      partition: random.integer(0, world.partitionCount - 1),
      much: random.next(),
    }
  })
}

function weightsOf(few: readonly Kind[]): Record<Kind, number> {
  const names = Object.keys(kinds) as Kind[]
  const weights = names.map((kind) => [kind, few.includes(kind) ? 1 : 0] as const)
  return Object.fromEntries(weights) as Record<Kind, number>
}

/** The answer ends it. */
type Deed = (machine: Machine, fault: Fault, node: CoreNode) => (() => void) | undefined

const deeds: Record<Kind, Deed> = {
  crash(machine, _, node) {
    node.crash()
    return () => {
      machine.startNode(node.name)
    }
  },
  leave(machine, _, node) {
    node.process.input(0, () => void node.leave())
    return () => {
      // What does not end is ended.
      if (!node.process.dead) node.crash()
      machine.startNode(node.name)
    }
  },
  join(machine) {
    const name = `core-${machine.nodes.length}`
    if (machine.nodes.length < 6) machine.startNode(name)
    return undefined
  },
  stop(_, __, node) {
    node.process.standStill(false)
    return () => {
      node.process.goOn()
    }
  },
  suspend(_, __, node) {
    node.process.standStill(true)
    return () => {
      node.process.goOn()
    }
  },
  cutLog(_, __, node) {
    node.link.cut()
    return () => {
      node.link.heal()
    }
  },
  resetLog(_, __, node) {
    node.link.reset()
    return undefined
  },
  deafen(_, __, node) {
    node.hearing.deafen()
    return () => {
      node.hearing.hear()
    }
  },
  deafenClient(machine, { client }) {
    const hearing = machine.clients[client]?.hearing
    hearing?.deafen()
    return () => hearing?.hear()
  },
  deafenClientTo(machine, { client, node }) {
    const hearing = machine.clients[client]?.hearing
    hearing?.deafenTo(node)
    return () => hearing?.hearFrom(node)
  },
  cutClient(machine, { client, node }) {
    machine.clients[client]?.cut(node)
    return () => machine.clients[client]?.heal(node)
  },
  /** Again and again: what waits for an owner is sent again. */
  resetClient(machine, { client, node, much }) {
    let over = false
    const again = (): void => {
      if (over) return
      machine.clients[client]?.reset(node)
      machine.scheduler.at(machine.scheduler.nowMs + 20 + 400 * much, again)
    }
    again()
    return () => {
      over = true
    }
  },
  apart(machine, _, { name }) {
    machine.apart.add(name)
    return () => {
      machine.apart.delete(name)
    }
  },
  slowNode(_, { much }, node) {
    node.process.setSlow(1 + much * 15)
    return () => {
      node.process.setSlow(0)
    }
  },
  slowLog(_, { much }, node) {
    node.link.setLatency({ leastMs: 1, mostMs: 20 + much * much * 900 })
    return () => {
      node.link.setLatency(usualLatency)
    }
  },
  stepWall(_, { much }, node) {
    node.process.setWall((2 * much - 1) * mostWallStepMs)
    return undefined
  },
  /** Back only: forward, the wait of a new owner would be cut short, which is not promised to be safe. */
  stepBroker(machine, { much }) {
    if (machine.brokerAheadMs === 0) machine.brokerAheadMs = -1100 - 2000 * much
    return undefined
  },
  brokerDown(machine) {
    machine.broker.goDown(0)
    return () => {
      machine.broker.comeUp()
    }
  },
  powerLoss(machine, { much }) {
    machine.broker.goDown(1 + Math.floor(much * 6))
    return () => {
      machine.broker.comeUp()
    }
  },
  noQuorum(machine, { partition, much }) {
    const stream = machine.broker.stream(partition)
    stream.loseQuorum()
    return () => {
      stream.findQuorum(much < 0.6)
    }
  },
  staleReads(machine, _, { link }) {
    link.staleSinceMs = machine.scheduler.nowMs
    return () => {
      link.staleSinceMs = undefined
    }
  },
  shortReads(_, { much }, { link }) {
    link.mishaps.short = 0.2 + 0.7 * much
    return () => {
      link.mishaps.short = 0
    }
  },
  lostAnswers(_, { much }, { link }) {
    link.mishaps.lostAnswer = 0.1 + 0.6 * much
    return () => {
      link.mishaps.lostAnswer = 0
    }
  },
  lateAppends(_, { much }, { link }) {
    link.mishaps.late = 0.1 + 0.5 * much
    return () => {
      link.mishaps.late = 0
    }
  },
  full(machine, { partition }) {
    const stream = machine.broker.stream(partition)
    const before = stream.maxBytes
    stream.maxBytes = stream.bytes + 200
    return () => {
      stream.maxBytes = before
    }
  },
}

/** Faults that may not be done to one thing twice at a time. */
const alone: Partial<Record<Kind, (fault: Fault) => string>> = {
  full: ({ partition }) => `full ${partition}`,
  noQuorum: ({ partition }) => `noQuorum ${partition}`,
  brokerDown: () => 'broker',
  powerLoss: () => 'broker',
}

export function plantFaults(machine: Machine, faults: readonly Fault[]): void {
  const busy = new Set<string>()
  for (const fault of faults) {
    const { kind, atMs, forMs, node: name } = fault
    machine.scheduler.at(atMs, () => {
      const node = machine.node(name)
      const key = alone[kind]?.(fault)
      if (node === undefined || node.process.dead || (key !== undefined && busy.has(key))) return
      const isCluster = key !== undefined || kind === 'join'
      machine.trace.add('fault', `${kind} ${isCluster ? (key ?? '') : name} for ${forMs.toFixed(0)} ms`)
      if (key !== undefined) busy.add(key)
      const end = deeds[kind](machine, fault, node)
      machine.scheduler.at(atMs + forMs, () => {
        if (key !== undefined) busy.delete(key)
        if (end === undefined) return
        machine.trace.add('fault', `${kind} ends`)
        end()
      })
    })
  }
}
