// While the time is not known nothing fires and nothing is judged; then all of it is, by the time as it is then.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { TestClock } from './test-clock.ts'
import { add, idsOf, newSession, put, sent, World } from './world.ts'

const partition = 3
const hourMs = 3_600_000

test('a time that is not known holds fires and commands; one that was set is noticed', async () => {
  await using world = await World.start()
  const clock = new TestClock()
  await using node = await world.node('a', partition, clock)
  await node.partition.acquire()
  const session = newSession()
  const [soon = '', far = ''] = idsOf(partition, 2)
  await node.done(session, sent(soon, 1, put(100, { autostart: true })))
  const { timer } = await node.done(session, sent(far, 2, put(hourMs, { autostart: true })))

  clock.known = false
  const before = await world.last(partition)
  let answered = false
  const waiting = node.done(session, sent(far, 3, add(5))).then((done) => {
    answered = true
    return done
  })
  // Long enough for the first to fall due, and for a few looks at the clock.
  await delay(400)
  assert.equal(answered, false)
  assert.equal(await world.last(partition), before)

  const { stored } = await world.watch(partition)
  clock.known = true
  await waiting
  await stored
  const [fired] = (await world.events(partition)).filter(({ type }) => type === 'completed')
  assert.equal(fired?.timer.timerId, soon)
  assert.ok(node.latenessMs.length === 1 && (node.latenessMs[0] ?? 0) >= 200)

  // An hour goes by at once: whoever had set an alarm for then must not wait for it.
  const next = await world.watch(partition)
  clock.aheadMs = (timer.deadlineMs ?? 0) + 1000 - Date.now()
  await next.stored
  const last = (await world.events(partition)).at(-1)
  assert.equal(last?.type, 'completed')
  assert.equal(last.timer.timerId, far)
})
