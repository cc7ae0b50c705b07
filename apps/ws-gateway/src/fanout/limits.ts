// Every limit and every wait of the gateway, once. A limit that is reached is told to the client and counted.

export const gatewayLimits = {
  /** Of one subscription. */
  timerIds: 1000,
  known: 5000,
  timers: 10_000,
  /** Of one connection: subscriptions, those of them not answered yet, commands not answered yet. */
  subscriptions: 64,
  joining: 16,
  commandsInFlight: 256,
  /** What one connection may leave unread: messages, and their bytes by estimate. */
  outboxMessages: 50_000,
  outboxBytes: 32 << 20,
  /** Of the process. */
  connections: 20_000,
  joinsAtOnce: 64,
  joinsWaiting: 20_000,
  /** Bytes of a client's message. */
  messageBytes: 1 << 20,
  /** Timers in one page of a snapshot. */
  pageTimers: 500,
  /** Of one `/v1/stream` request. */
  streamTimers: 100,
} as const
export type GatewayLimits = { readonly [Name in keyof typeof gatewayLimits]: number }

export const waits = {
  heartbeatMs: 15_000,
  /** A partition is looked at this often: who owns it, how far its log is. */
  sweepMs: 250,
  /** Behind the owner's word for longer: what is missing is read from the log. */
  behindMs: 500,
  /** Ahead of it, or behind without getting on, for longer: the log was cut, all is asked for again. */
  astrayMs: 3000,
  /** No owner heard for longer: viewers are told that what they see may be old. */
  staleMs: 3000,
  /** A subscription is answered within this time. */
  joinMs: 10_000,
  joinAgainMs: 200,
  /** A viewer that takes nothing for longer is closed. */
  slowMs: 10_000,
  slowRetryMs: 5000,
  /** How often the watched timers are told to their owners. */
  watchMs: 2000,
  commandMs: 5000,
} as const
