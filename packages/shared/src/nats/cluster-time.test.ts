import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jetstreamManager } from '@nats-io/jetstream'
import { startNatsServer } from '@timers/dev/nats-server.ts'
import { MeasuredClock } from '../cluster/measured-clock.ts'
import { subjects } from '../subjects.ts'
import { createSystemClock } from '../system-clock.ts'
import { quiet } from '../test/quiet.ts'
import { followClusterTime } from './cluster-time.ts'
import { connectNats } from './connect.ts'

const minuteMs = 60_000

test('a clock that is minutes wrong tells the broker’s time, and again after it was set', async () => {
  await using nats = await startNatsServer()
  const connection = await connectNats(
    { servers: [nats.url], name: 'test', reconnect: true },
    { logger: quiet },
  )
  let wrongByMs = 7 * minuteMs
  const right = createSystemClock()
  const clock = new MeasuredClock({ machine: { ...right, wallMs: () => right.wallMs() + wrongByMs } })
  const isRight = (): boolean => Math.abs(clock.nowMs() - right.nowMs()) <= clock.errorMs() + 1

  await using stack = new AsyncDisposableStack()
  stack.defer(() => connection.close())
  const time = stack.use(followClusterTime({ connection, clock, logger: quiet }))
  assert.equal(clock.errorMs(), Infinity)
  // The cluster is made later.
  const manager = await jetstreamManager(connection)
  await manager.streams.add({ name: subjects.stream(0), subjects: [subjects.log(0)] })
  await time.known
  assert.ok(isRight(), `off by ${clock.nowMs() - right.nowMs()} ms, said ${clock.errorMs()}`)
  assert.ok(Math.abs(clock.offsetMs() + wrongByMs) < 500)

  wrongByMs = -3 * minuteMs
  assert.equal(clock.errorMs(), Infinity)
  const untilMs = performance.now() + 10_000
  while (clock.errorMs() === Infinity) {
    assert.ok(performance.now() < untilMs)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  assert.ok(isRight(), `off by ${clock.nowMs() - right.nowMs()} ms, said ${clock.errorMs()}`)
})
