// What persistence counts. Names are the operators' contract; labels never hold a tenant's data.

import { createRegistry } from '@timers/shared/metrics.ts'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Folded } from './projection/fold.ts'

export interface Metrics {
  readonly registry: Registry
  readonly applied: (folded: Pick<Folded, 'taken' | 'events' | 'skipped' | 'poison'>) => void
  readonly rebuilds: Counter<'why'>
  /** Steps of the projection that failed and are repeated. */
  readonly failures: Counter
  readonly queries: Histogram<'method' | 'status'>
  /** Saves of the file repository that failed. */
  readonly saveFailures: Counter
  gauges(read: { lagSeconds: () => number; partitions: () => number; repositoryReady: () => boolean }): void
}

export function createMetrics(name: string): Metrics {
  const registry = createRegistry({ role: 'persistence', name })
  const registers = [registry]
  const written = new Counter({
    name: 'timers_projection_events_total',
    help: 'Events written to the read model, repeats included.',
    registers,
  })
  const records = new Counter({
    name: 'timers_projection_records_total',
    help: 'Log records read; outcome skipped: of a term not in force; poison: set aside.',
    labelNames: ['outcome'],
    registers,
  })
  return {
    registry,
    applied({ taken, events, skipped, poison }) {
      written.inc(events.length)
      records.inc({ outcome: 'applied' }, taken - skipped)
      records.inc({ outcome: 'skipped' }, skipped)
      records.inc({ outcome: 'poison' }, poison.length)
    },
    rebuilds: new Counter({
      name: 'timers_projection_rebuilds_total',
      help: 'Partitions whose documents were started anew.',
      labelNames: ['why'],
      registers,
    }),
    failures: new Counter({
      name: 'timers_projection_failures_total',
      help: 'Steps that failed, of the log or the repository, and are repeated.',
      registers,
    }),
    queries: new Histogram({
      name: 'timers_query_seconds',
      help: 'Questions to the read model, by gRPC status.',
      labelNames: ['method', 'status'],
      buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5],
      registers,
    }),
    saveFailures: new Counter({
      name: 'timers_repository_save_failures_total',
      help: 'Saves of the file repository that failed; it serves on from memory.',
      registers,
    }),
    gauges(read) {
      const gauge = (metric: string, help: string, value: () => number): void => {
        new Gauge({
          name: metric,
          help,
          registers,
          collect() {
            this.set(value())
          },
        })
      }
      gauge(
        'timers_projection_lag_seconds',
        'How old the read model is in the partition of this node that is furthest behind.',
        read.lagSeconds,
      )
      gauge('timers_projection_partitions', 'Partitions this node reads.', read.partitions)
      gauge('timers_repository_ready', '1 while the repository takes and answers.', () =>
        read.repositoryReady() ? 1 : 0,
      )
    },
  }
}
