// How long to wait before trying again: exponential, with full jitter, bounded at both ends.

export interface Backoff {
  readonly firstMs: number
  readonly mostMs: number
}

/** Milliseconds before attempt number `attempt` (0 = the first repeat); `random` gives [0, 1). */
export function backoffMs({ firstMs, mostMs }: Backoff, attempt: number, random: () => number): number {
  const ceiling = Math.min(mostMs, firstMs * 2 ** Math.min(attempt, 30))
  return firstMs / 2 + random() * (ceiling - firstMs / 2)
}
