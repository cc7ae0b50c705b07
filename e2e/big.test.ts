// Much at once and far away: sums that must be exact, deadlines that overflow a timeout, thousands due together.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { TimerJson } from '@timers/shared/timer/timer-json.ts'
import { checkFirings, isFiring, readWholeLog } from './check.ts'
import { call, eventually, getTimer, startWorld, type Answer } from './world.ts'

const dayMs = 86_400_000
const dueTogether = 20_000

describe('one cluster', { timeout: 110_000 }, () => {
  test('far deadlines, bursts, and many due in one second', { timeout: 110_000 }, async (t) => {
    await using world = await startWorld({ counts: { 'timer-core': 1 } })
    const { url } = world

    await t.test('deadlines 24.8, 25, 50 days and 10 years ahead do not fire at once', async () => {
      const days = [24.8, 25, 50, 3652]
      for (const [i, far] of days.entries()) {
        const { status } = await call(url, 'PUT', `/v1/timers/far-${i}`, {
          durationMs: Math.round(far * dayMs),
        })
        assert.equal(status, 201)
      }
      // A timer of a second fires meanwhile: whatever would have fired at once has.
      await call(url, 'PUT', '/v1/timers/near', { durationMs: 1000 })
      await eventually(async () => ((await getTimer(url, 'near')).state === 'completed' ? true : undefined))
      for (const i of days.keys()) assert.equal((await getTimer(url, `far-${i}`)).state, 'running')
    })

    await t.test('pause twice and start twice keep the remaining time', async () => {
      await call(url, 'PUT', '/v1/timers/twice', { durationMs: 600_000 })
      const post = async (op: string): Promise<TimerJson> =>
        (await call(url, 'POST', `/v1/timers/twice/${op}`)).body as TimerJson
      const paused = await post('pause')
      assert.deepEqual(await post('pause'), paused)
      const started = await post('start')
      assert.equal(Date.parse(started.deadline ?? '') - Date.parse(started.updatedAt), paused.remainingMs)
      assert.deepEqual(await post('start'), started)
    })

    await t.test('a burst of 10,000 concurrent add(1000) on one timer sums exactly', async () => {
      await call(url, 'PUT', '/v1/timers/sum', { durationMs: 1000, autostart: false })
      const add = { timerId: 'sum', op: 'add', byMs: 1000 }
      const parts = await Promise.all([
        ...Array.from({ length: 9 }, async () => {
          const { body } = await call(url, 'POST', '/v1/commands', { commands: Array(1000).fill(add) })
          return (body as { results: { status: number }[] }).results
        }),
        ...Array.from({ length: 100 }, () => addTen(url)),
      ])
      const statuses = parts.flat().map(({ status }) => status)
      assert.equal(statuses.length, 10_000)
      assert.deepEqual(new Set(statuses), new Set([200]))
      const timer = await getTimer(url, 'sum')
      assert.equal(timer.remainingMs, 1000 + 10_000 * 1000)
      assert.equal(timer.version, 10_001)
    })

    await t.test(`${dueTogether} due in one second fire once each while commands are served`, async (t) => {
      const begunMs = performance.now()
      await putTogether(url, 'warm', Array(1000).fill(Date.now() + dayMs))
      const makingMs = (dueTogether / 1000) * (performance.now() - begunMs)
      const dueMs = Math.ceil(Date.now() + 1.5 * makingMs + 3000)
      const deadlines = Array.from({ length: dueTogether }, (_, i) => dueMs + (i % 1000))
      for (let from = 0; from < dueTogether; from += 1000) {
        await putTogether(url, `together-${from}`, deadlines.slice(from, from + 1000))
      }
      assert.ok(Date.now() < dueMs, 'they were not all made before they were due')

      await delay(dueMs - 200 - Date.now())
      const tookMs: number[] = []
      const adding = Array.from({ length: 4 }, async () => {
        while (Date.now() < dueMs + 2000) {
          const sentMs = performance.now()
          const { status } = await call(url, 'POST', '/v1/timers/sum/add', { byMs: 1 })
          assert.equal(status, 200)
          tookMs.push(performance.now() - sentMs)
        }
      })
      await Promise.all(adding)
      assert.ok(tookMs.length >= 4, `only ${tookMs.length} commands were served`)
      const events = await eventually(async () => {
        const all = await readWholeLog(world.cluster.natsUrl)
        const fired = all.filter((event) => isFiring(event) && event.timer.timerId.startsWith('together-'))
        return fired.length >= dueTogether ? all : undefined
      }, 30_000)
      checkFirings(events)
      const fired = events.filter((event) => isFiring(event) && event.timer.timerId.startsWith('together-'))
      assert.equal(new Set(fired.map(({ timer }) => timer.timerId)).size, dueTogether)
      assert.equal(fired.length, dueTogether)
      t.diagnostic(
        `lateness ${spread(fired.map(({ timer, occurredAtMs }) => occurredAtMs - (timer.deadlineMs ?? 0)))}`,
      )
      t.diagnostic(`meanwhile ${tookMs.length} commands, ${spread(tookMs)}`)
    })
  })
})

/** One command each, all acknowledged. */
async function putTogether(url: string, name: string, deadlinesMs: readonly number[]): Promise<void> {
  const commands = deadlinesMs.map((deadlineMs, i) => ({
    timerId: `${name}-${i}`,
    op: 'put',
    deadline: new Date(deadlineMs).toISOString(),
  }))
  const { status, body } = await call(url, 'POST', '/v1/commands', { commands })
  assert.equal(status, 200)
  const { results } = body as { results: { status: number }[] }
  assert.deepEqual(new Set(results.map((result) => result.status)), new Set([201]))
}

function spread(ms: readonly number[]): string {
  const sorted = ms.toSorted((a, b) => a - b)
  const at = (share: number): string => `${Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0)}`
  return `p50 ${at(0.5)}, p99 ${at(0.99)}, most ${at(1)} ms`
}

/** Ten seconds, a second at a time: a hundred connections are enough to be concurrent. */
async function addTen(url: string): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let i = 0; i < 10; i += 1) answers.push(await call(url, 'POST', '/v1/timers/sum/add', { byMs: 1000 }))
  return answers
}
