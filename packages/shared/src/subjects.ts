// The names of streams, subjects and buckets, once.

export const subjects = {
  stream: (partition: number): string => `TIMERS_${partition}`,
  log: (partition: number): string => `timers.log.${partition}`,
  /** The event feed: the log, republished by the server as it commits. */
  events: (partition: number): string => `timers.evt.${partition}`,
  /** One stream with the snapshots of all partitions. */
  snapshotStream: 'TIMERS_SNAPSHOTS',
  snapshotPart: (partition: number, sequence: number, part: number): string =>
    `timers.snap.${partition}.${sequence}.${part}`,
  partsOfSnapshot: (partition: number, sequence: number): string => `timers.snap.${partition}.${sequence}.*`,
  snapshotsOf: (partition: number): string => `timers.snap.${partition}.*.*`,
  anySnapshot: 'timers.snap.*.*.*',
  ticks: (partition: number): string => `timers.tick.${partition}`,
  watch: (partition: number): string => `timers.watch.${partition}`,
  anyWatch: 'timers.watch.*',
  messages: (partition: number): string => `timers.msg.${partition}`,
  messagesToAll: 'timers.msg.all',
  nodes: 'timers.nodes',
  /** KV bucket with the one key clusterRecord. */
  clusterBucket: 'timer_cluster',
  clusterRecord: 'cluster',
  /** KV bucket: who has to see every record, and how far each has read each log. */
  readersBucket: 'timer_readers',
  /** Its key with the names, a JSON array. */
  readerNames: 'readers',
  readerPosition: (name: string, partition: number): string => `${name}.${partition}`,
} as const
