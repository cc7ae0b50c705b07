// Whatever is late, lost, repeated or refused on the way: in the end a viewer holds what the log says, it
// was never told anything older than before, and missed no completion or deletion.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RecordEvent } from '@timers/shared/log/record.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import type { Selection } from '@timers/shared/timer/results.ts'
import { ClientModel } from '../../test/client.ts'
import { VirtualClock } from '../../test/virtual-clock.ts'
import { batchOf, eventOf, makeTimer, settled, takeoverOf, tenantId, World } from '../../test/world.ts'
import { Hub } from './hub.ts'
import { gatewayLimits, type GatewayLimits } from './limits.ts'
import { pages, type Joined } from './say.ts'
import type { Viewer } from './viewer.ts'

const partitionCount = 2
const timerIds = ['a', 'b', 'aa', 'ab', 'c']
const selections: readonly Selection[] = [
  { timerIds: ['a'] },
  { timerIds: ['a', 'b', 'c', 'missing'] },
  { prefix: 'a' },
  { all: true },
]

interface Watcher {
  readonly client: ClientModel
  readonly viewer: Viewer
  readonly selections: Selection[]
  joined: number
  refused: number
}

/** A hub over a world in memory, and the log's truth. */
class Scene implements Disposable {
  readonly clock = new VirtualClock()
  readonly world = new World(partitionCount)
  readonly watchers: Watcher[] = []
  readonly truth = new Map<string, { version: number; state: string }>()
  /** What was appended since a watcher had its first answer: it must have been told. */
  readonly owed = new Map<Watcher, Set<string>>()
  readonly floors = new Map<number, number>()
  terms = 0
  readonly hub: Hub

  constructor(limits: Partial<GatewayLimits> = {}) {
    this.hub = new Hub(
      { dataId: 'data', partitionCount, limits: { ...gatewayLimits, pageTimers: 2, ...limits } },
      {
        clock: this.clock,
        random: () => 0.5,
        feed: this.world,
        log: this.world,
        core: this.world,
        ticks: { follow: () => ({ [Symbol.dispose]: () => undefined }), watch: () => undefined },
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

  watch(selection: Selection, watcher = this.watcher()): Watcher {
    watcher.selections.push(selection)
    this.hub.subscribe(
      watcher.viewer,
      { selection, tickMs: undefined, known: undefined },
      {
        joined: (joined: Joined) => {
          watcher.joined += 1
          for (const page of pages(this.clock.nowMs(), 'ack', {}, joined, { pageTimers: 2 })) {
            watcher.viewer.tellSnapshot(page)
          }
        },
        refused: () => {
          watcher.selections.splice(watcher.selections.indexOf(selection), 1)
          watcher.refused += 1
        },
        ended: () => assert.fail('a subscription ended'),
      },
    )
    return watcher
  }

  watcher(): Watcher {
    const client = new ClientModel()
    const viewer = this.hub.connect(`con-${this.watchers.length}`, tenantId, client)
    assert.ok(viewer !== undefined)
    const watcher = { client, viewer, selections: [], joined: 0, refused: 0 }
    this.watchers.push(watcher)
    this.owed.set(watcher, new Set())
    return watcher
  }

  deliver(partition: number): void {
    const { inFlight, listener } = this.world.partition(partition)
    const next = inFlight.shift()
    if (next !== undefined) listener?.onRecord(next.sequence, next.record)
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

const timerId = fc.constantFrom(...timerIds)
const partition = fc.nat({ max: partitionCount - 1 })
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('change'),
      timerId,
      kinds: fc.array(fc.constantFrom('run', 'pause', 'complete', 'delete'), {
        minLength: 1,
        maxLength: 3,
        size: 'max',
      }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('deliver'), partition }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('apply'), partition }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose'), partition }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('repeat'), partition, back: fc.nat({ max: 3 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('proceed'), at: fc.nat({ max: 9 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('refuse'), at: fc.nat({ max: 9 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('heartbeat'), partition }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('advance'), ms: fc.constantFrom(10, 100, 300, 800) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('turn') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('watch'),
      selection: fc.constantFrom(...selections),
      anew: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('takeover'), partition }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('zombie'), timerId }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('trim'), partition, kept: fc.nat({ max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('block'), full: fc.boolean() }) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

async function act(scene: Scene, step: Step): Promise<void> {
  const { world, clock, hub, watchers } = scene
  switch (step.do) {
    case 'change':
      scene.change(step.timerId, step.kinds)
      break
    case 'deliver':
      scene.deliver(step.partition)
      break
    case 'apply':
      world.partition(step.partition).apply()
      break
    case 'lose':
      world.partition(step.partition).inFlight.shift()
      break
    case 'repeat': {
      const { listener, records, inFlight } = world.partition(step.partition)
      const reached = records.length - inFlight.length
      const old = records[reached - 1 - step.back]
      if (old !== undefined) listener?.onRecord(old.sequence, old.record)
      break
    }
    case 'proceed':
      world.waiting[step.at % Math.max(1, world.waiting.length)]?.proceed()
      break
    case 'refuse':
      world.waiting[step.at % Math.max(1, world.waiting.length)]?.refuse()
      break
    case 'heartbeat':
      world.partition(step.partition).heartbeat(clock.monotonicMs())
      break
    case 'advance':
      clock.advance(step.ms)
      break
    case 'turn':
      clock.turn()
      break
    case 'watch':
      scene.watch(step.selection, step.anew ? undefined : watchers[0])
      break
    case 'takeover':
      scene.takeover(step.partition)
      break
    case 'zombie':
      scene.zombie(step.timerId)
      break
    case 'trim': {
      const trimmed = world.partition(step.partition)
      trimmed.first = Math.max(trimmed.first, trimmed.last - step.kept)
      break
    }
    case 'block':
      for (const { client, viewer } of watchers.slice(0, 1)) {
        client.full = step.full
        if (!step.full) hub.drained(viewer)
      }
  }
  await settled()
}

test('any interleaving of feed, scan, loss and back-fill gives every viewer what the log says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 200, size: 'max' }), async (steps) => {
      using scene = new Scene()
      scene.watch({ all: true })
      for (const one of steps) await act(scene, one)
      await scene.heal()
      scene.check()
    }),
    { numRuns: 100, endOnFailure: true },
  )
})
