// Much at once and far away: sums that must be exact, deadlines that overflow a timeout, thousands due together.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TimerJson } from '@timers/shared/timer/timer-json.ts'
import { call, eventually, getTimer, startWorld, type Answer } from './world.ts'

const dayMs = 86_400_000
const dueTogether = 10_000

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
        ...Array.from({ length: 9 }, () =>
          call(url, 'POST', '/v1/commands', { commands: Array(1000).fill(add) }),
        ),
        ...Array.from({ length: 100 }, () => addTen(url)),
      ])
      assert.deepEqual(new Set(parts.flat().map(({ status }) => status)), new Set([200]))
      const timer = await getTimer(url, 'sum')
      assert.equal(timer.remainingMs, 1000 + 10_000 * 1000)
      assert.equal(timer.version, 10_001)
    })

    await t.test(
      `${dueTogether} timers due in one second fire once each while commands are served`,
      async () => {
        const deadlineMs = Date.now() + 15_000
        const commands = Array.from({ length: dueTogether }, (_, i) => ({
          timerId: `together-${i}`,
          op: 'put',
          deadline: new Date(deadlineMs + (i % 1000)).toISOString(),
        }))
        for (let from = 0; from < dueTogether; from += 1000) {
          const { status } = await call(url, 'POST', '/v1/commands', {
            commands: commands.slice(from, from + 1000),
          })
          assert.equal(status, 200)
        }
        assert.ok(Date.now() < deadlineMs, 'they were all made before they were due')
        const last = await call(url, 'PUT', '/v1/timers/after', {
          deadline: new Date(deadlineMs + 1000).toISOString(),
        })
        assert.equal(last.status, 201)
        let served = 0
        const completed = await eventually(async () => {
          if ((await call(url, 'POST', '/v1/timers/sum/add', { byMs: 1 })).status === 200) served += 1
          const { body } = await call(url, 'GET', '/v1/stats')
          const { byState } = body as { byState: { completed: number } }
          return byState.completed >= dueTogether + 2 ? byState.completed : undefined
        }, 60_000)
        assert.equal(completed, dueTogether + 2)
        assert.ok(served > 0)
        for (let i = 0; i < dueTogether; i += 997) {
          const timer = await getTimer(url, `together-${i}`)
          assert.equal(timer.version, 2)
          assert.ok(Date.parse(timer.completedAt ?? '') >= Date.parse(timer.deadline ?? ''))
        }
      },
    )
  })
})

/** Ten seconds, a second at a time: a hundred connections are enough to be concurrent. */
async function addTen(url: string): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let i = 0; i < 10; i += 1) answers.push(await call(url, 'POST', '/v1/timers/sum/add', { byMs: 1000 }))
  return answers
}
