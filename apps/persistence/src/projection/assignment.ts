// Which partitions a persistence node reads: those it comes first for among the live ones. A hint, never safety:
// two nodes that read the same partition do no harm. Pure.

import { rendezvousOrder } from '@timers/shared/cluster/rendezvous.ts'

/** `live` are names; the node itself counts as live. */
export function assignedPartitions(
  self: string,
  live: readonly string[],
  partitionCount: number,
): ReadonlySet<number> {
  const nodes = live.includes(self) ? live : [...live, self]
  const assigned = new Set<number>()
  for (let partition = 0; partition < partitionCount; partition += 1) {
    if (rendezvousOrder(partition, nodes)[0] === self) assigned.add(partition)
  }
  return assigned
}
