// Every service on a machine whose wall clock is minutes wrong, and is set while it runs: what counts is the broker's.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkFirings, isFiring, readWholeLog } from './check.ts'
import { call, eventually, getTimer, startWorld, watchStream, type World } from './world.ts'

const preload = `--import ${new URL('wrong-clock.ts', import.meta.url).href}`
/** Two machines' measurements, and what a busy machine adds to reading them here. */
const offMostMs = 250

async function firesOnTime(world: World, timerId: string): Promise<void> {
  const { url } = world
  await using viewer = await watchStream(url, `timer=${timerId}`)
  const askedMs = Date.now()
  const { status, headers } = await call(url, 'PUT', `/v1/timers/${timerId}`, { durationMs: 700 })
  assert.equal(status, 201)
  const serverTimeMs = Date.parse(headers.get('server-time') ?? '')
  assert.ok(serverTimeMs > askedMs - offMostMs && serverTimeMs < Date.now() + offMostMs, `${serverTimeMs}`)

  const told = await viewer.find(({ timer }) => timer?.state === 'completed')
  assert.ok(Math.abs(Date.parse(told.at) - Date.now()) < 1000, told.at)
  const { deadline, completedAt } = await getTimer(url, timerId)
  const latenessMs = Date.parse(completedAt ?? '') - Date.parse(deadline ?? '')
  assert.ok(latenessMs >= 0 && latenessMs < 1000, `${latenessMs} ms late`)
  assert.ok(Math.abs(Date.parse(deadline ?? '') - askedMs - 700) < 1000)
}

test('services whose wall clocks are wrong fire and tell the time by the broker’s', async () => {
  await using world = await startWorld({ env: { NODE_OPTIONS: preload } })
  await firesOnTime(world, 'wrong-1')
  const { body } = await call(world.url, 'GET', '/v1/time')
  const { t1, t2, errorMs } = body as { readonly t1: number; readonly t2: number; readonly errorMs: number }
  assert.ok(errorMs > 0 && errorMs < 100 && t2 >= t1, JSON.stringify(body))
  const metrics = await (await fetch(`${world.cluster.service('timer-core').ops}/metrics`)).text()
  const offset = Number(/^timers_clock_offset_seconds\S* (\S+)/m.exec(metrics)?.[1])
  assert.ok(Math.abs(offset + 7 * 60) < 1, `${offset}`)

  for (const { pid } of world.cluster.services) process.kill(pid, 'SIGUSR2')
  await eventually(async () => {
    const { status } = await call(world.url, 'GET', '/v1/time')
    return status === 200 ? true : undefined
  })
  await firesOnTime(world, 'wrong-2')
  checkFirings(await readWholeLog(world.cluster.natsUrl))
  assert.equal((await readWholeLog(world.cluster.natsUrl)).filter(isFiring).length, 2)
})
