// What ws-gateway counts. Names are the operators' contract; labels never hold a tenant's data.

import { Counter, Gauge, type Registry } from 'prom-client'
import type { Counts } from './fanout/counts.ts'
import type { Hub } from './fanout/hub.ts'

export interface Gauges {
  readonly sockets: { readonly size: number }
  readonly streams: { readonly size: number }
  readonly hub: Pick<Hub, 'subscriptions' | 'watched' | 'partitions'>
  /** Partitions that nobody is heard to own. */
  readonly unowned: () => number
}

type Numbers = { [Name in keyof Counts]: Counts[Name] extends number ? Name : never }[keyof Counts]

const totals: readonly (readonly [Numbers, string, string])[] = [
  ['messages', 'timers_ws_frames_total', 'Messages written to viewers.'],
  ['writes', 'timers_ws_writes_total', 'Writes that carried them, several in one.'],
  ['bytes', 'timers_ws_bytes_total', 'Bytes written to viewers.'],
  ['replaced', 'timers_ws_replaced_total', 'Messages of ended connections that a newer one stood for.'],
  ['ticksDropped', 'timers_ws_ticks_dropped_total', 'Ticks of a version that the viewer does not hold.'],
  ['backfills', 'timers_ws_backfills_total', 'Reads of the log for what the feed lost.'],
  ['rescans', 'timers_ws_rescans_total', 'Partitions whose owner was asked for everything again.'],
]

/** The codes we close with and those of well-behaved clients; any other counts as `other`. */
const closeCodes: ReadonlySet<number> = new Set([
  1000, 1001, 1005, 1006, 4400, 4403, 4413, 4500, 4503, 4510, 4529,
])

export function createMetrics(counts: Counts, gauges: Gauges, deps: { readonly registry: Registry }): void {
  const registers = [deps.registry]
  for (const [field, name, help] of totals) {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(counts[field])
      },
    })
  }
  new Counter({
    name: 'timers_ws_closed_total',
    help: 'Connections that ended, by close code.',
    labelNames: ['code'],
    registers,
    collect() {
      this.reset()
      for (const [code, count] of counts.closed) {
        this.inc({ code: closeCodes.has(code) ? String(code) : 'other' }, count)
      }
    },
  })
  new Counter({
    name: 'timers_ws_refused_total',
    help: 'What was refused, by the limit or the code of the error.',
    labelNames: ['why'],
    registers,
    collect() {
      this.reset()
      for (const [why, count] of counts.refused) this.inc({ why }, count)
    },
  })
  new Gauge({
    name: 'timers_ws_connections',
    help: 'Viewers that are connected.',
    labelNames: ['kind'],
    registers,
    collect() {
      this.set({ kind: 'socket' }, gauges.sockets.size)
      this.set({ kind: 'stream' }, gauges.streams.size)
    },
  })
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  }
  gauge('timers_ws_subscriptions', 'Subscriptions of all viewers.', () => gauges.hub.subscriptions)
  gauge('timers_ws_watched', 'Timers whose ticks viewers want.', () => gauges.hub.watched)
  gauge(
    'timers_ws_followed_partitions',
    'Partitions whose log is followed.',
    () => gauges.hub.partitions.followed,
  )
  gauge(
    'timers_ws_stale_partitions',
    'Followed ones nobody is heard to own.',
    () => gauges.hub.partitions.stale,
  )
  gauge('timers_partition_unowned', 'Partitions that nobody is heard to own.', gauges.unowned)
}
