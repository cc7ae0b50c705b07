// What one partition of a node takes at most. Each has a refusal; none grows with its callers.

export const partitionLimits = {
  /** Commands that wait or are staged, and as many results that are remembered. */
  commands: 100_000,
  /** Reads that wait for a newer version, and as many that wait for an owner. */
  reads: 10_000,
  /** Without an owner for so long, what is not staged is refused instead of kept waiting. */
  troubledMs: 3_000,
  /** While work waits and no append succeeds for so long, it is not announced: somebody else may do better. */
  uselessMs: 3_000,
  /** How far ahead a command's notAfter may lie. */
  notAfterMs: 30_000,
  /** How long a read may wait for a newer version. */
  waitMs: 30_000,
} as const
