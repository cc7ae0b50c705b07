// How the world must be once it is whole and has rested: every partition served by one node, that node's memory the
// log's, and nothing due.

import { isDeepStrictEqual } from 'node:util'
import type { CoreNode } from '../machine/core-node.ts'
import type { Machine } from '../machine/machine.ts'
import type { Truth } from './truth.ts'
import type { Violated } from './violation.ts'

/** So late no timer may be. */
const dueForMs = 2000

export function mustBeAtRest(machine: Machine, truth: Truth, violation: Violated): void {
  const { nodes, options } = machine
  for (let partition = 0; partition < options.partitionCount; partition += 1) {
    // One that was replaced and has had nothing to write may not know it yet; nobody asks it.
    const [owner] = nodes
      .filter((node) => !node.process.dead && node.host.serving(partition) !== undefined)
      .sort((a, b) => sequenceOf(b, partition) - sequenceOf(a, partition))
    if (owner === undefined) violation('heals', `p${partition} is served by nobody`)
    else if (truth.keys(partition).length === 0) continue
    else if (sequenceOf(owner, partition) !== truth.last(partition))
      violation('heals', `${owner.name} serves p${partition} and has not read all of its log`)
    else {
      const wrong = differenceFrom(truth, owner, partition)
      if (wrong !== undefined) violation('memory is what the log says', wrong)
    }
  }
}

/** Before anybody asks for anything: nothing that is due needs a poke. */
export function mustHaveFired({ broker, options }: Machine, truth: Truth, violation: Violated): void {
  for (let partition = 0; partition < options.partitionCount; partition += 1) {
    for (const key of truth.keys(partition)) {
      const timer = newest(truth, key)
      if (timer?.state === 'running' && timer.deadlineMs + dueForMs < broker.nowMs())
        violation('heals', `${key} was due at ${timer.deadlineMs} and has not fired`)
    }
  }
}

/** What is wrong in an owner's memory, if it has read all of the log. */
export function differenceFrom(truth: Truth, node: CoreNode, partition: number): string | undefined {
  const held = node.host.partition(partition)
  if (held === undefined || held.sequence !== truth.last(partition)) return undefined
  const { state } = held
  const where = `${node.name}'s p${partition} at ${held.sequence}`
  if (state.versionFloor !== truth.versionFloor(partition))
    return `${where}: versionFloor ${state.versionFloor}, in the log ${truth.versionFloor(partition)}`
  for (const key of truth.keys(partition)) {
    const [tenantId = '', timerId = ''] = key.split('/')
    const has = state.get(tenantId, timerId)
    const is = newest(truth, key)
    if (!isDeepStrictEqual(has, is))
      return `${where}: ${JSON.stringify(has)}, in the log ${JSON.stringify(is)}`
  }
  return undefined
}

function sequenceOf(node: CoreNode, partition: number): number {
  return node.host.partition(partition)?.sequence ?? 0
}

function newest(truth: Truth, key: string) {
  const [tenantId = '', timerId = ''] = key.split('/')
  return truth.standings(tenantId, timerId).at(-1)?.timer
}
