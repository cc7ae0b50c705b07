// The registry every service starts from: build, event loop and process. A service's own metrics are
// in its metrics.ts.

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { BreakerState } from './cluster/breaker.ts'
import type { MeasuredClock } from './cluster/measured-clock.ts'
import packageJson from '../package.json' with { type: 'json' }

const sampledEveryMs = 10

const breakerValues = { closed: 0, 'half-open': 1, open: 2 } as const

/** Whether other nodes can be reached, by name; the names are those of live nodes. */
export function measureBreakers(
  read: () => Iterable<readonly [string, BreakerState]>,
  deps: { readonly registry: Registry },
): void {
  new Gauge({
    name: 'timers_breaker_state',
    help: 'Of the circuit breaker to a node (peer): 0 closed, 1 half open, 2 open.',
    labelNames: ['peer'],
    registers: [deps.registry],
    collect() {
      this.reset()
      for (const [peer, state] of read()) this.set({ peer }, breakerValues[state])
    },
  })
}

/** What the service thinks of the time. */
export function measureTime(clock: MeasuredClock, deps: { readonly registry: Registry }): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers: [deps.registry],
      collect() {
        this.set(read())
      },
    })
  }
  gauge(
    'timers_clock_offset_seconds',
    'Cluster time minus the wall clock of this machine.',
    () => clock.offsetMs() / 1000,
  )
  gauge(
    'timers_clock_error_seconds',
    'How far cluster time may be off here; infinite = not known.',
    () => clock.errorMs() / 1000,
  )
}

export function createRegistry(options: { role: string; name: string }): Registry {
  const registry = new Registry()
  registry.setDefaultLabels({ role: options.role, node: options.name })
  collectDefaultMetrics({ register: registry })

  const build = new Gauge({
    name: 'timers_build_info',
    help: '1; which build this is.',
    labelNames: ['version', 'node_version'],
    registers: [registry],
  })
  build.set({ version: packageJson.version, node_version: process.versions.node }, 1)

  const delay = monitorEventLoopDelay({ resolution: sampledEveryMs })
  delay.enable()
  new Gauge({
    name: 'timers_event_loop_delay_seconds',
    help: 'How late the event loop was since it was last asked here; quantile 1 = the most.',
    labelNames: ['quantile'],
    registers: [registry],
    collect() {
      for (const quantile of [0.5, 0.99, 1]) {
        const seconds = (delay.percentile(quantile * 100) - sampledEveryMs * 1e6) / 1e9
        this.set({ quantile }, Math.max(0, seconds))
      }
      delay.reset()
    },
  })
  return registry
}
