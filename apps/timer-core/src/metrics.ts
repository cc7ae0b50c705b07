// What timer-core counts. Names are the operators' contract; labels never hold a tenant's data.

import { createRegistry } from '@timers/shared/metrics.ts'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { PartitionObserver } from './partition/ports.ts'

/** Read when somebody asks for the metrics. */
export interface Gauges {
  /** Partitions this node serves. */
  readonly owned: () => number
  /** Partitions that nobody is heard to own. */
  readonly unowned: () => number
  /** Timers that are due and not fired. */
  readonly overdue: () => number
  /** How full the fullest log is. */
  readonly logRatio: () => number
  /** Commands that wait to be judged. */
  readonly waiting: () => number
  /** Timers whose ticks somebody wants. */
  readonly watched: () => number
}

export interface Metrics {
  readonly registry: Registry
  readonly observe: Omit<PartitionObserver, 'trouble'>
  readonly troubles: Counter
  gauges(gauges: Gauges): void
}

const fireBuckets = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60]
const appendBuckets = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]

export function createMetrics(name: string): Metrics {
  const registry = createRegistry({ role: 'timer-core', name })
  const registers = [registry]
  const lateness = new Histogram({
    name: 'timers_fire_lateness_seconds',
    help: 'From the deadline to the instant at which a firing was judged.',
    buckets: fireBuckets,
    registers,
  })
  const append = new Histogram({
    name: 'timers_append_seconds',
    help: 'From the sending of a batch to its PubAck.',
    buckets: appendBuckets,
    registers,
  })
  const events = new Histogram({
    name: 'timers_batch_events',
    help: 'Events in one record.',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
    registers,
  })
  const takeover = new Histogram({
    name: 'timers_takeover_seconds',
    help: 'From the decision to take a partition to serving it.',
    buckets: [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60],
    registers,
  })
  const troubles = new Counter({
    name: 'timers_partition_troubles_total',
    help: 'Appends refused or of unknown outcome, logs that could not be read.',
    registers,
  })
  return {
    registry,
    troubles,
    observe: {
      appended(count, tookMs) {
        events.observe(count)
        append.observe(tookMs / 1000)
      },
      fired(latenessMs) {
        lateness.observe(latenessMs / 1000)
      },
      tookOver(_, tookMs) {
        takeover.observe(tookMs / 1000)
      },
    },
    gauges(gauges) {
      const gauge = (metric: string, help: string, read: () => number): void => {
        new Gauge({
          name: metric,
          help,
          registers,
          collect() {
            this.set(read())
          },
        })
      }
      gauge('timers_partition_owned', 'Partitions this node serves.', gauges.owned)
      gauge('timers_partition_unowned', 'Partitions that nobody is heard to own.', gauges.unowned)
      gauge('timers_overdue', 'Timers of served partitions that are due and not fired.', gauges.overdue)
      gauge('timers_log_bytes_ratio', 'How full the fullest log of this node is; 1 = full.', gauges.logRatio)
      gauge('timers_waiting_commands', 'Commands that wait to be judged.', gauges.waiting)
      gauge('timers_watched', 'Timers whose ticks somebody wants.', gauges.watched)
    },
  }
}
