import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Tick } from '@timers/shared/cluster/live.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import { VirtualClock } from '../../test/virtual-clock.ts'
import { Watches } from './watches.ts'

test('a watched timer is said at once, repeated every 2 s, and no more when nobody watches', () => {
  const clock = new VirtualClock()
  const said: string[] = []
  const followed = new Set<number>()
  const ticks: Tick[] = []
  let feed: ((ticks: readonly Tick[]) => void) | undefined
  using watches = new Watches(
    { partitionCount: 4, watchMs: 2000 },
    {
      clock,
      onTicks: (some) => ticks.push(...some),
      ticks: {
        follow(partition, onTicks) {
          followed.add(partition)
          feed = onTicks
          return { [Symbol.dispose]: () => followed.delete(partition) }
        },
        watch(_, watched) {
          said.push(watched.map(({ timerId, viewers }) => `${timerId}×${viewers}`).join(' '))
        },
      },
    },
  )
  watches.add('t', 'a')
  watches.add('t', 'a')
  assert.deepEqual(said, [])
  clock.turn()
  assert.deepEqual(said, ['a×2'])
  assert.deepEqual([...followed], [partitionOf('t', 'a', 4)])
  watches.add('t', 'a')
  clock.turn()
  assert.deepEqual(said, ['a×2'], 'it is known already')
  clock.advance(1999)
  assert.deepEqual(said, ['a×2'])
  clock.advance(1)
  assert.deepEqual(said, ['a×2', 'a×3'])
  feed?.([{ tenantId: 't', timerId: 'a', version: 1, remainingMs: 1000 }])
  assert.equal(ticks.length, 1)

  for (let i = 0; i < 3; i++) watches.remove('t', 'a')
  watches.remove('t', 'never watched')
  assert.deepEqual([watches.size, followed.size], [0, 0])
  clock.advance(10_000)
  assert.deepEqual(said, ['a×2', 'a×3'])
  assert.equal(clock.idle, true)
})
