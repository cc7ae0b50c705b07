// Every limit of a timer, once: edges, codec and state machine read them here. Sizes are characters
// (UTF-16 code units) unless the name says bytes; durations are milliseconds.

export const limits = {
  /** Ten years of 365.25 days: the longest duration, remaining time or retention. */
  durationMs: 315_576_000_000,
  titleLength: 200,
  labels: 16,
  labelKey: /^[a-z0-9._-]{1,63}$/,
  labelValueLength: 128,
  metadataBytes: 4096,
  metadataDepth: 16,
  defaultRetentionMs: 30 * 86_400_000,
  timerId: /^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/,
  timerIdPrefix: /^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/,
  tenantId: /^[A-Za-z0-9_][A-Za-z0-9._~-]{0,63}$/,
  requestIdLength: 128,
} as const
