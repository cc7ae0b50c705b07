// Whether this API is worth sending requests to: NATS is there, and every partition has an owner, or has
// had its time to get one.

import type { Clock } from '@timers/shared/clock.ts'
import type { Directory } from '@timers/shared/cluster/directory.ts'
import type { Readiness } from '@timers/shared/ops-server.ts'

const ownerHeardWithinMs = 5000
const waitForOwnersMs = 30_000

export function createReadiness(
  options: { partitionCount: number },
  deps: { directory: Directory; clock: Clock; connected: () => boolean },
): { readonly now: () => Readiness; readonly unowned: () => number } {
  const { directory, clock, connected } = deps
  const startedAtMs = clock.monotonicMs()
  const unowned = (): number => {
    const since = clock.monotonicMs() - ownerHeardWithinMs
    let count = 0
    for (let partition = 0; partition < options.partitionCount; partition += 1) {
      if ((directory.ownerHeardAtMs(partition) ?? -Infinity) < since) count += 1
    }
    return count
  }
  return {
    unowned,
    now: () => {
      const reasons: string[] = []
      if (!connected()) reasons.push('NATS is not connected')
      const without = unowned()
      if (without > 0) reasons.push(`${without} of ${options.partitionCount} partitions have no owner`)
      const waited = clock.monotonicMs() - startedAtMs > waitForOwnersMs
      return { ready: connected() && (without === 0 || waited), reasons }
    },
  }
}
