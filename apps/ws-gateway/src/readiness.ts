// Whether this gateway is worth sending viewers to: NATS is there, and every partition has an owner, or has
// had its time to get one.

import type { Clock } from '@timers/shared/clock.ts'
import type { Directory } from '@timers/shared/cluster/directory.ts'
import type { Readiness } from '@timers/shared/ops-server.ts'

export interface ReadinessDeps {
  readonly clock: Clock
  readonly directory: Directory
  readonly connected: () => boolean
  readonly draining: () => boolean
}

/** An owner unheard for so long counts as none. */
export const unownedAfterMs = 5000
const waitForOwnersMs = 30_000

export function createReadiness(
  options: { readonly partitionCount: number },
  deps: ReadinessDeps,
): () => Readiness {
  const startedAtMs = deps.clock.monotonicMs()
  return () => {
    const nowMs = deps.clock.monotonicMs()
    const reasons: string[] = []
    if (deps.draining()) reasons.push('draining')
    if (!deps.connected()) reasons.push('NATS is not connected')
    const ready = reasons.length === 0
    const unowned = deps.directory.unowned(options.partitionCount, unownedAfterMs, nowMs)
    if (unowned > 0) reasons.push(`${unowned} of ${options.partitionCount} partitions have no owner`)
    return { ready: ready && (unowned === 0 || nowMs - startedAtMs > waitForOwnersMs), reasons }
  }
}
