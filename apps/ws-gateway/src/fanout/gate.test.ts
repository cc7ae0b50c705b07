import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '../../test/virtual-clock.ts'
import { Gate } from './gate.ts'

test('so many at once, the others in order; too many are turned away', async () => {
  const clock = new VirtualClock()
  const gate = new Gate({ atOnce: 1, waiting: 2 }, { clock })
  const { signal } = new AbortController()
  const leave = await gate.enter(1000, signal)
  const order: number[] = []
  const second = gate.enter(1000, signal).then((next) => (order.push(2), next?.()))
  const third = gate.enter(1000, signal).then((next) => (order.push(3), next?.()))
  assert.equal(await gate.enter(1000, signal), undefined)
  leave?.()
  await Promise.all([second, third])
  assert.deepEqual(order, [2, 3])
  assert.notEqual(await gate.enter(0, signal), undefined)
  assert.equal(clock.idle, true)
})

test('who waits too long or is aborted leaves, and takes no place', async () => {
  const clock = new VirtualClock()
  const gate = new Gate({ atOnce: 1, waiting: 5 }, { clock })
  const controller = new AbortController()
  const leave = await gate.enter(1000, controller.signal)
  const late = gate.enter(500, new AbortController().signal)
  clock.advance(500)
  assert.equal(await late, undefined)
  const aborted = gate.enter(500, controller.signal)
  controller.abort()
  assert.equal(await aborted, undefined)
  leave?.()
  assert.notEqual(await gate.enter(0, new AbortController().signal), undefined)
  assert.equal(clock.idle, true)
})
