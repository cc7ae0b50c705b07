// How each fault is done to the simulated world.

import { usualLatency } from './machine/broker-link.ts'
import type { CoreNode } from './machine/core-node.ts'
import type { Machine } from './machine/machine.ts'

export type Kind =
  | 'crash'
  | 'leave'
  | 'join'
  | 'stop'
  | 'suspend'
  | 'cutLog'
  | 'resetLog'
  | 'deafen'
  | 'deafenClient'
  | 'deafenClientTo'
  | 'cutClient'
  | 'resetClient'
  | 'apart'
  | 'slowNode'
  | 'slowLog'
  | 'stepWall'
  | 'stepBroker'
  | 'brokerDown'
  | 'powerLoss'
  | 'noQuorum'
  | 'staleReads'
  | 'shortReads'
  | 'lostAnswers'
  | 'lateAppends'
  | 'full'
  | 'cutSnapshots'

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

const mostWallStepMs = 1900

/** The answer ends it. */
type Deed = (machine: Machine, fault: Fault, node: CoreNode) => (() => void) | undefined

export const deeds: Record<Kind, Deed> = {
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
  cutSnapshots(_, __, { snapshotLink }) {
    snapshotLink.cut()
    return () => {
      snapshotLink.heal()
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
