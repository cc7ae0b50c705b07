// Whatever is late, lost, repeated or refused on the way: in the end a viewer holds what the log says, it
// was never told anything older than before, and missed no completion or deletion.

import { test } from 'node:test'
import fc from 'fast-check'
import type { Selection } from '@timers/shared/timer/results.ts'
import { partitionCount, Scene, timerIds } from '../../test/scene.ts'
import { settled } from '../../test/world.ts'

const selections: readonly Selection[] = [
  { timerIds: ['a'] },
  { timerIds: ['a', 'b', 'c', 'missing'] },
  { prefix: 'a' },
  { all: true },
]

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
