// A hub over a world in memory, the truth of its logs, and clients that must come to hold it.

import assert from 'node:assert/strict'
import type { Tick } from '@timers/shared/cluster/live.ts'
import type { RecordEvent } from '@timers/shared/log/record.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import type { Selection } from '@timers/shared/timer/results.ts'
import { Hub } from '../src/fanout/hub.ts'
import { gatewayLimits, type GatewayLimits } from '../src/fanout/limits.ts'
import { pages, type Joined } from '../src/fanout/say.ts'
import type { SubscribeRequest } from '../src/fanout/subscription.ts'
import type { Viewer } from '../src/fanout/viewer.ts'
import { ClientModel } from './client.ts'
import { VirtualClock } from './virtual-clock.ts'
import { batchOf, eventOf, makeTimer, settled, takeoverOf, tenantId, World } from './world.ts'

export const partitionCount = 2
export const timerIds = ['a', 'b', 'aa', 'ab', 'c']
export interface Watcher {
  readonly client: ClientModel
  readonly viewer: Viewer
  readonly selections: Selection[]
  joined: number
  readonly refusals: string[]
}

export class Scene implements Disposable {
  readonly clock = new VirtualClock()
  readonly world = new World(partitionCount)
  readonly watchers: Watcher[] = []
  readonly truth = new Map<string, { version: number; state: string }>()
  /** What was appended since a watcher had its first answer: it must have been told. */
  readonly owed = new Map<Watcher, Set<string>>()
  readonly floors = new Map<number, number>()
  terms = 0
  readonly hub: Hub
  /** Watch lists that were said, and the way in for ticks while they are followed. */
  readonly watches: string[] = []
  tick: ((ticks: readonly Tick[]) => void) | undefined

  constructor(limits: Partial<GatewayLimits> = {}) {
    this.hub = new Hub(
      { dataId: 'data', partitionCount, limits: { ...gatewayLimits, pageTimers: 2, ...limits } },
      {
        clock: this.clock,
        random: () => 0.5,
        feed: this.world,
        log: this.world,
        core: this.world,
        ticks: {
          follow: (_, onTicks) => {
            this.tick = onTicks
            return { [Symbol.dispose]: () => (this.tick = undefined) }
          },
          watch: (_, watched) => this.watches.push(watched.map(({ timerId }) => timerId).join(' ')),
        },
        directory: this.world,
        report: {
          warn: () => {
            if (this.hub.counts.rescans > 0) for (const { client } of this.watchers) client.inOrder = false
          },
        },
      },
    )
    for (let partition = 0; partition < partitionCount; partition++) this.takeover(partition)
  }

  takeover(partition: number): void {
    this.terms += 1
    this.world.partition(partition).append(takeoverOf(`term-${this.terms}`))
  }

  truthVersions(): [string, number][] {
    return [...this.truth].map(([timerId, { version }]) => [timerId, version])
  }

  term(partition: number): string {
    const takeover = this.world
      .partition(partition)
      .records.findLast(({ record }) => record.body.kind === 'takeover')
    return takeover?.record.term ?? ''
  }

  /** One record of changes of one timer. */
  change(timerId: string, kinds: readonly ('run' | 'pause' | 'complete' | 'delete')[]): void {
    const partition = partitionOf(tenantId, timerId, partitionCount)
    const events: RecordEvent[] = []
    for (const kind of kinds) {
      const before = this.truth.get(timerId)
      const version = (before?.version ?? this.floors.get(partition) ?? 0) + 1
      if (kind === 'delete') {
        if (before === undefined) continue
        this.truth.delete(timerId)
        this.floors.set(partition, Math.max(version, this.floors.get(partition) ?? 0))
        events.push(eventOf('deleted', makeTimer(timerId, version, 'paused')))
        this.owe(timerId, `deleted ${timerId} ${version}`)
      } else {
        const state = kind === 'run' ? 'running' : kind === 'pause' ? 'paused' : 'completed'
        this.truth.set(timerId, { version, state })
        const type = kind === 'complete' ? 'completed' : before === undefined ? 'created' : 'updated'
        events.push(eventOf(type, makeTimer(timerId, version, state)))
        if (kind === 'complete') this.owe(timerId, `completed ${timerId} ${version}`)
      }
    }
    if (events.length > 0) this.world.partition(partition).append(batchOf(this.term(partition), ...events))
  }

  /** A record of an owner that was replaced: it counts for nothing. */
  zombie(timerId: string): void {
    const partition = partitionOf(tenantId, timerId, partitionCount)
    this.world
      .partition(partition)
      .append(batchOf('zombie', eventOf('completed', makeTimer(timerId, 1000, 'completed'))))
  }

  owe(timerId: string, what: string): void {
    for (const watcher of this.watchers) {
      if (watcher.joined === 0 || !watcher.selections.some((selection) => matches(selection, timerId)))
        continue
      if (watcher.joined < watcher.selections.length) continue
      this.owed.get(watcher)?.add(what)
    }
  }

  watch(selection: Selection, watcher = this.watcher(), more: Partial<SubscribeRequest> = {}): Watcher {
    watcher.selections.push(selection)
    this.hub.subscribe(
      watcher.viewer,
      { selection, tickMs: undefined, known: undefined, ...more },
      {
        joined: (joined: Joined) => {
          watcher.joined += 1
          const { subscriptionId, recovered } = joined
          const fields = { subscriptionId, recovered }
          for (const page of pages(this.clock.nowMs(), 'ack', fields, joined, { pageTimers: 2 })) {
            watcher.viewer.tellSnapshot(page)
          }
        },
        refused: (refusal) => {
          watcher.refusals.push(refusal.code)
          watcher.selections.splice(watcher.selections.indexOf(selection), 1)
        },
        ended: (subscriptionId, refusal) => {
          watcher.refusals.push(`${subscriptionId} ${refusal.code}`)
        },
      },
    )
    return watcher
  }

  watcher(tenant = tenantId): Watcher {
    const client = new ClientModel()
    const viewer = this.hub.connect(`con-${this.watchers.length}`, tenant, client)
    assert.ok(viewer !== undefined)
    const watcher = { client, viewer, selections: [], joined: 0, refusals: [] }
    this.watchers.push(watcher)
    this.owed.set(watcher, new Set())
    return watcher
  }

  deliver(partition: number): void {
    const { inFlight, listener } = this.world.partition(partition)
    const next = inFlight.shift()
    if (next !== undefined) listener?.onRecord(next.sequence, next.record)
  }

  /** All is well: what is written arrives, calls are answered, owners are heard, for so long. */
  async run(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 50) {
      for (const [at, partition] of this.world.partitions.entries()) {
        partition.heartbeat(this.clock.monotonicMs())
        while (partition.inFlight.length > 0) this.deliver(at)
      }
      await this.quiet(50)
    }
  }

  /** Time passes, calls are answered; nothing comes by the feed, no owner is heard. */
  async quiet(ms: number): Promise<void> {
    for (let calls = 0; calls < 100 && this.world.waiting.length > 0; calls++) {
      for (const waiting of [...this.world.waiting]) waiting.proceed()
      await settled()
    }
    this.clock.advance(ms)
    await settled()
  }

  /** The world heals: whatever the feed did not bring is lost, heartbeats come, every call is answered. */
  async heal(): Promise<void> {
    for (const partition of this.world.partitions) partition.inFlight.length = 0
    for (let quiet = 0; quiet < 16; quiet++) {
      if (this.world.waiting.length > 0) quiet = 0
      for (const partition of this.world.partitions) {
        partition.heartbeat(this.clock.monotonicMs())
      }
      for (const { client, viewer } of this.watchers) {
        client.full = false
        this.hub.drained(viewer)
      }
      for (const waiting of [...this.world.waiting]) waiting.proceed()
      await settled()
      this.clock.advance(250)
      await settled()
    }
  }

  check(): void {
    for (const watcher of this.watchers) {
      const { client } = watcher
      for (const timerId of timerIds) {
        if (!watcher.selections.some((selection) => matches(selection, timerId))) continue
        const truth = this.truth.get(timerId)
        assert.equal(
          client.held.get(timerId),
          truth?.version,
          `${timerId} as ${JSON.stringify(watcher.selections)}`,
        )
        assert.equal(client.states.get(timerId), truth?.state)
      }
      if (this.hub.counts.rescans > 0) continue
      for (const what of this.owed.get(watcher) ?? []) assert.ok(client.last.has(what), `never told: ${what}`)
    }
  }

  [Symbol.dispose](): void {
    this.hub[Symbol.dispose]()
  }
}

function matches(selection: Selection, timerId: string): boolean {
  if ('timerIds' in selection) return selection.timerIds.includes(timerId)
  return 'all' in selection || timerId.startsWith(selection.prefix)
}
