// timer-api's metrics. Labels are of the route table and the error table: no client can add one.

import { Gauge, Histogram, type Registry } from 'prom-client'

export interface TimerApiMetrics {
  /** One request answered. `route`: the pattern, as "PUT /v1/timers/{id}". */
  readonly request: (route: string, status: number, seconds: number) => void
}

export function createMetrics(
  options: { inFlight: () => number; unowned: () => number },
  deps: { registry: Registry },
): TimerApiMetrics {
  const registers = [deps.registry]
  const seconds = new Histogram({
    name: 'timers_request_seconds',
    help: 'From the first byte of a request to its answer.',
    labelNames: ['route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  })
  new Gauge({
    name: 'timers_requests_in_flight',
    help: 'Requests that are not answered yet, those waiting for news included.',
    registers,
    collect() {
      this.set(options.inFlight())
    },
  })
  new Gauge({
    name: 'timers_partition_unowned',
    help: 'Partitions without a live owner, as this process sees them.',
    registers,
    collect() {
      this.set(options.unowned())
    },
  })
  const children = new Map<string, Histogram.Internal<'route' | 'status'>>()
  return {
    request: (route, status, took) => {
      const key = `${status} ${route}`
      let child = children.get(key)
      if (child === undefined) {
        child = seconds.labels({ route, status: String(status) })
        children.set(key, child)
      }
      child.observe(took)
    },
  }
}
