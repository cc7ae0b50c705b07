// The names of streams, subjects and buckets, once.

export const subjects = {
  stream: (partition: number): string => `TIMERS_${partition}`,
  log: (partition: number): string => `timers.log.${partition}`,
  /** The event feed: the log, republished by the server as it commits. */
  events: (partition: number): string => `timers.evt.${partition}`,
  ticks: (partition: number): string => `timers.tick.${partition}`,
  watch: (partition: number): string => `timers.watch.${partition}`,
  anyWatch: 'timers.watch.*',
  messages: (partition: number): string => `timers.msg.${partition}`,
  messagesToAll: 'timers.msg.all',
  nodes: 'timers.nodes',
  /** KV bucket with the one key clusterRecord. */
  clusterBucket: 'timer_cluster',
  clusterRecord: 'cluster',
  /** KV bucket with one key a partition: the position persistence has stored. */
  readersBucket: 'timer_readers',
} as const
