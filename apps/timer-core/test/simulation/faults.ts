// What goes wrong in a run, and how it is done to the world. Each fault ends at the latest when the chaos does.

import { deeds, type Fault, type Kind } from './deeds.ts'
import type { Machine } from './machine/machine.ts'
import type { Random } from './machine/random.ts'

/** How often each is drawn. */
const kinds: Readonly<Record<Kind, number>> = {
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
  cutSnapshots: 2,
}

/** Of each fault how long it lasts, about. */
const usuallyMs: Partial<Record<Kind, number>> = {
  crash: 2500,
  leave: 2500,
  slowNode: 6000,
  deafenClientTo: 5000,
  full: 3000,
}

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
