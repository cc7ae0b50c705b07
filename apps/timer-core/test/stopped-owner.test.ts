// SIGSTOP of a timer-core process for 10 s, then SIGCONT, on a real nats-server: what it is asked then it must not
// answer from what it knew, it may append nothing, and it comes back.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { credentials } from '@grpc/grpc-js'
import { startGuard } from '@timers/dev/guard.ts'
import { startNatsServer } from '@timers/dev/nats-server.ts'
import { startService, type Service } from '@timers/dev/service.ts'
import { TimerCoreClient, type GetResponse, type GroupResult } from '@timers/proto/timers/core/v1/core.ts'
import { Directory } from '@timers/shared/cluster/directory.ts'
import { openCoreClient } from '@timers/shared/grpc/open-core-client.ts'
import { TermFilter } from '@timers/shared/log/term-filter.ts'
import { connectNats } from '@timers/shared/nats/connect.ts'
import { followHeartbeats } from '@timers/shared/nats/heartbeats.ts'
import { createLogReader } from '@timers/shared/nats/log-reader.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import { createSystemClock } from '@timers/shared/system-clock.ts'
import { quiet } from '@timers/shared/test/quiet.ts'
import type { Operation } from '@timers/shared/timer/command.ts'
import { commandToWire } from '@timers/shared/wire/command-wire.ts'
import { decodeRecord } from '@timers/shared/wire/record-wire.ts'
import { eventually } from './eventually.ts'
import { newSession } from './world.ts'

const partitionCount = 4
const stoppedForMs = 10_000
const tenantId = 'default'
/** Changed, created and deleted by another owner while the first is stopped. */
const ids = (kind: string): string[] => Array.from({ length: 8 }, (_, i) => `${kind}-${i}`)
const [changed, created, gone] = [ids('changed'), ids('created'), ids('gone')]
const put = (durationMs: number): Operation => ({
  ...{ op: 'put', durationMs, autostart: false, title: '', labels: {}, metadata: '', retentionMs: 0 },
})
const actor = { type: 'operator', id: 'local' } as const

/** The way to one process, whatever becomes of its partitions. */
class Direct {
  readonly #client: TimerCoreClient
  readonly #session = newSession()
  #n = 0

  constructor(address: string) {
    this.#client = new TimerCoreClient(address, credentials.createInsecure())
  }
  get(timerId: string): Promise<GetResponse> {
    return new Promise((resolve, reject) => {
      this.#client.get({ tenantId, timerId, afterVersion: undefined, waitMs: 0 }, (error, response) => {
        if (error === null) resolve(response)
        else reject(error)
      })
    })
  }
  execute(timerId: string, operation: Operation): Promise<GroupResult> {
    this.#n += 1
    const notAfterMs = Date.now() + 20_000
    const command = { tenantId, timerId, n: this.#n, notAfterMs, operation, actor, requestId: 'r' }
    const partition = partitionOf(tenantId, timerId, partitionCount)
    const group = { partition, session: this.#session, answeredBelow: 0, commands: [commandToWire(command)] }
    return new Promise((resolve, reject) => {
      this.#client.execute(group, (error, result) => {
        if (error === null) resolve(result)
        else reject(error)
      })
    })
  }
  close(): void {
    this.#client.close()
  }
}

test('an owner that was stopped tells nothing of an old state, and comes back', async () => {
  await using nats = await startNatsServer()
  await using stack = new AsyncDisposableStack()
  const guard = stack.use(startGuard())
  const names = ['core-a', 'core-b']
  const services: Service[] = []
  for (const name of names) {
    const env = { NATS_URL: nats.url, PARTITION_COUNT: String(partitionCount), LOG_LEVEL: 'silent' }
    services.push(stack.use(await startService({ role: 'timer-core', name, env }, { guard })))
  }
  await Promise.all(services.map((service) => service.ready()))
  const connection = await connectNats(
    { servers: [nats.url], name: 'test', reconnect: true },
    { logger: quiet },
  )
  stack.defer(() => connection.close())
  const clock = createSystemClock()
  const directory = new Directory({ deadAfterMs: 1500 })
  stack.use(followHeartbeats({ connection, directory, clock, logger: quiet }))
  const client = stack.use(
    openCoreClient({ partitionCount }, { directory, clock, logger: quiet, random: Math.random }),
  )
  const partitions = Array.from({ length: partitionCount }, (_, partition) => partition)
  const ownersAre = (names: readonly string[]): Promise<void> =>
    eventually(() => {
      const owners = partitions.map((partition) => directory.ownerOf(partition, clock.monotonicMs())?.name)
      assert.deepEqual([...new Set(owners)].sort(), names)
    })
  const change = async (timerId: string, operation: Operation): Promise<void> => {
    const command = { tenantId, timerId, operation, actor, requestId: 'r' }
    const [result] = await client.execute([command], Date.now() + 10_000)
    assert.ok(result?.ok, JSON.stringify(result))
  }
  await ownersAre(names)
  for (const id of [...changed, ...gone]) await change(id, put(1000))

  const [stopped] = services
  assert.ok(stopped?.grpc)
  const direct = new Direct(stopped.grpc)
  stack.defer(() => {
    direct.close()
  })
  await direct.get('any')
  stopped.pause()
  const untilMs = performance.now() + stoppedForMs
  // It is to answer what was asked while it stood still, and after.
  const ask = () => ({
    changed: changed.map((id) => direct.get(id)),
    created: created.map((id) => direct.get(id)),
    gone: gone.map((id) => direct.get(id)),
    noOps: gone.map((id) => direct.execute(id, { op: 'reset' })),
    refused: created.map((id) => direct.execute(id, { op: 'pause' })),
  })
  await ownersAre(['core-b'])
  for (const id of [...changed, ...created]) await change(id, put(2000))
  for (const id of gone) await change(id, { op: 'delete' })
  const early = ask()
  await delay(untilMs - performance.now())
  stopped.resume()
  const late = ask()
  for (const asked of [early, late]) {
    // From an owner it is the newest; else it is sent on, or told to come again.
    for (const { code, timer } of await Promise.all(asked.changed))
      assert.ok(timer === undefined ? code !== 'not_found' : timer.version === 2, `${code} ${timer?.version}`)
    for (const { code, timer } of await Promise.all(asked.created))
      assert.ok(timer === undefined ? code !== 'not_found' : timer.version >= 1, code)
    for (const { timer } of await Promise.all(asked.gone)) assert.equal(timer, undefined)
    for (const { results } of await Promise.all(asked.noOps))
      for (const { code } of results) assert.ok(code !== '', 'it was done to a timer that is gone')
    for (const { results } of await Promise.all(asked.refused))
      for (const { code } of results) assert.notEqual(code, 'not_found')
  }

  await ownersAre(names)
  for (const id of changed) await change(id, put(3000))
  const reader = createLogReader({ connection })
  for (const partition of partitions) {
    const filter = new TermFilter(undefined)
    const records = (await reader.read(partition, 1, 500)).map(({ data }) => decodeRecord(data))
    for (const record of records) assert.ok(filter.admits(record), 'it appended what does not count')
    const events = records.flatMap(({ body }) => (body.kind === 'batch' ? body.events : []))
    for (const [timerId, changes] of Map.groupBy(events, ({ timer }) => timer.timerId))
      for (const [i, { timer }] of changes.slice(1).entries())
        assert.equal(timer.version, (changes[i]?.timer.version ?? 0) + 1, timerId)
  }
})
