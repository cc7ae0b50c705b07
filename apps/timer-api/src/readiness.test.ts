import assert from 'node:assert/strict'
import test from 'node:test'
import { Directory } from '@timers/shared/cluster/directory.ts'
import { createReadiness } from './readiness.ts'

test('ready while NATS is there and each partition has an owner, or had 30 s to get one', () => {
  let nowMs = 1000
  let connected = true
  const directory = new Directory({ deadAfterMs: 1500 })
  const clock = {
    nowMs: () => nowMs,
    errorMs: () => 0,
    monotonicMs: () => nowMs,
    wallMs: () => nowMs,
    after: () => () => undefined,
    soon: () => () => undefined,
  }
  const { now, unowned } = createReadiness(
    { partitionCount: 2 },
    { directory, clock, connected: () => connected },
  )
  const hear = (...partitions: number[]): void => {
    const owned = partitions.map((partition) => ({ partition, sequence: 1, term: 't' }))
    directory.hear(
      { name: 'a', incarnation: 'i', role: 'timer-core', address: 'x:1', dataId: 'd', owned, leaving: false },
      nowMs,
    )
  }
  assert.deepEqual(now(), { ready: false, reasons: ['2 of 2 partitions have no owner'] })
  hear(0)
  assert.equal(unowned(), 1)
  hear(0, 1)
  assert.deepEqual(now(), { ready: true, reasons: [] })
  nowMs += 5000
  assert.equal(now().ready, true)
  nowMs += 1
  assert.equal(now().ready, false)
  nowMs = 31_001
  assert.deepEqual(now(), { ready: true, reasons: ['2 of 2 partitions have no owner'] })
  connected = false
  assert.equal(now().ready, false)
})
