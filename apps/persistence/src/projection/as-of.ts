// As of when the read model speaks: read off the stored positions, so that every node says the same. Pure.

import type { LogPosition } from '@timers/shared/timer/results.ts'
import type { StoredPosition } from './repository.ts'

/** Every change of the partition committed before it is in the read model. */
export function asOfMs({ endSeenAtMs, storedAtMs = 0 }: StoredPosition): number {
  return Math.max(endSeenAtMs, storedAtMs)
}

/** The oldest over all partitions; undefined until each has been read to its end once, for it would be a part that looks whole. */
export function asOfAll(
  positions: readonly StoredPosition[],
  cluster: { readonly dataId: string; readonly partitionCount: number },
): number | undefined {
  let count = 0
  let oldest = Number.POSITIVE_INFINITY
  for (const position of positions) {
    if (position.dataId !== cluster.dataId || position.partition >= cluster.partitionCount) continue
    if (position.endSeenAtMs === 0) return undefined
    count += 1
    oldest = Math.min(oldest, asOfMs(position))
  }
  return count === cluster.partitionCount ? oldest : undefined
}

export function hasReached(positions: readonly StoredPosition[], wanted: readonly LogPosition[]): boolean {
  return wanted.every(({ partition, sequence }) =>
    positions.some((position) => position.partition === partition && position.sequence >= sequence),
  )
}
