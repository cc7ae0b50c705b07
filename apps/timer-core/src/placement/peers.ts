// What a node asks of the other nodes of the core when it gives a partition up.

import type { LiveNode } from '@timers/shared/cluster/directory.ts'

/** False: it cannot, or did not say so in time. Neither rejects. */
export interface Peers {
  /** To read the log of the partition, so that to take it over is a matter of milliseconds. */
  prepare(node: LiveNode, partition: number): Promise<boolean>
  /** To take it over, now. */
  take(node: LiveNode, partition: number): Promise<boolean>
}

export const peerTimes = {
  /** To read a whole log, while its owner serves on. */
  prepareMs: 5000,
  /** Without a Takeover for so long the next node is asked: nobody serves meanwhile. */
  takeMs: 500,
} as const
