// Logs of three replicas: the broker that leads one is killed under load, and comes back. NATS itself takes 4-6 s to
// have another leader; then service goes on, with everything that was acknowledged and nothing twice.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startNatsCluster } from '@timers/dev/nats/nats-cluster.ts'
import { Directory } from '@timers/shared/cluster/directory.ts'
import { openCoreClient } from '@timers/shared/grpc/open-core-client.ts'
import { TermFilter } from '@timers/shared/log/term-filter.ts'
import { connectNats } from '@timers/shared/nats/connect.ts'
import { followHeartbeats } from '@timers/shared/nats/heartbeats.ts'
import { createLogReader } from '@timers/shared/nats/log-reader.ts'
import { subjects } from '@timers/shared/subjects.ts'
import { createSystemClock } from '@timers/shared/system-clock.ts'
import { quiet } from '@timers/shared/test/quiet.ts'
import type { CommandResult } from '@timers/shared/timer/results.ts'
import { decodeRecord } from '@timers/shared/wire/record-wire.ts'
import { startTimerCore } from '../src/app.ts'
import { readTimerCoreConfig } from '../src/config.ts'
import { eventually } from './eventually.ts'
import { put, tenantId } from './world.ts'

const partitionCount = 4
const actor = { type: 'operator', id: 'local' } as const
const withinMs = 15_000

test('the broker that leads a log dies under load', { timeout: 110_000 }, async (t) => {
  await using nats = await startNatsCluster()
  await using stack = new AsyncDisposableStack()
  const env = { NATS_URL: nats.url, PARTITION_COUNT: String(partitionCount), REPLICAS: '3' }
  for (const name of ['core-a', 'core-b'])
    stack.use(await startTimerCore(readTimerCoreConfig({ ...env, NODE_NAME: name, LOG_LEVEL: 'silent' })))
  const options = { servers: nats.url.split(','), name: 'test', reconnect: true }
  const connection = await connectNats(options, { logger: quiet })
  stack.defer(() => connection.close())
  const [directory, clock] = [new Directory({ deadAfterMs: 1500 }), createSystemClock()]
  stack.use(followHeartbeats({ connection, directory, clock, logger: quiet }))
  const deps = { directory, clock, logger: quiet, random: Math.random }
  const core = stack.use(openCoreClient({ partitionCount }, deps))

  const told: { readonly requestId: string; readonly result: CommandResult }[] = []
  const done = (): number => told.filter(({ result }) => result.ok).length
  let ended = false
  const load = Promise.all(
    Array.from({ length: 8 }, async (_, worker) => {
      for (let i = 0; !ended; i += 1) {
        const requestId = `r-${worker}-${i}`
        const command = {
          tenantId,
          timerId: `t${worker}-${i % 20}`,
          operation: put(60_000),
          actor,
          requestId,
        }
        const [result] = await core.execute([command], Date.now() + withinMs)
        if (result !== undefined) told.push({ requestId, result })
        await delay(5)
      }
    }),
  )
  await eventually(() => {
    assert.ok(done() > 200)
  }, 60_000)
  const leader = await nats.leaderOf(subjects.stream(1))
  assert.ok(leader)
  const killedMs = performance.now()
  await leader.kill()
  const before = done()
  // Each partition has served again, whoever led its log.
  const served = new Set<number>()
  await eventually(() => {
    for (const { result } of told.slice(before + 8)) if (result.ok) served.add(result.partition)
    assert.equal(served.size, partitionCount)
  }, 40_000)
  t.diagnostic(`all partitions served ${Math.round(performance.now() - killedMs)} ms after the kill`)
  await leader.restart()
  const back = done()
  await eventually(() => {
    assert.ok(done() > back + 200)
  }, 60_000)
  ended = true
  await load

  const made = new Map<string, number>()
  const reader = createLogReader({ connection })
  for (let partition = 0; partition < partitionCount; partition += 1) {
    const filter = new TermFilter(undefined)
    const versions = new Map<string, number>()
    const { last } = await eventually(() => reader.ends(partition))
    for (let next = 1; next <= last;) {
      for (const { sequence, data } of await reader.read(partition, next, 500)) {
        assert.equal(sequence, next)
        next += 1
        const record = decodeRecord(data)
        if (!filter.admits(record) || record.body.kind !== 'batch') continue
        for (const { timer, cause } of record.body.events) {
          assert.equal(timer.version, (versions.get(timer.timerId) ?? 0) + 1, timer.timerId)
          versions.set(timer.timerId, timer.version)
          assert.ok(!made.has(cause.requestId), `${cause.requestId} was applied twice`)
          made.set(cause.requestId, sequence)
        }
      }
    }
  }
  for (const { requestId, result } of told) {
    if (result.ok) assert.equal(made.get(requestId), result.sequence, `${requestId} is not where it was told`)
    else if (result.refusal.code !== 'outcome_unknown')
      assert.equal(made.get(requestId), undefined, requestId)
  }
  const refused = told.filter(({ result }) => !result.ok).length
  t.diagnostic(`${done()} acknowledged, ${refused} not`)
})
