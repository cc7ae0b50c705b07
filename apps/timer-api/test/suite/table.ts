// Each cell of states × commands, over REST: the status, or the code, is what the cell says.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ops, type Op } from '@timers/shared/timer/command.ts'
import { timerStates, type TimerState } from '@timers/shared/timer/timer.ts'
import { table as cells, type Cell } from '../../../timer-core/src/timer/table.ts'
import type { Api, Reply } from '../world.ts'

/** A request that does something in every state that lets it. */
const requests: Record<Op, readonly [method: string, path: string, body?: object]> = {
  put: ['PUT', '', { durationMs: 3_600_000, title: 'put' }],
  update: ['PATCH', '', { title: 'updated' }],
  start: ['POST', '/start'],
  pause: ['POST', '/pause'],
  reset: ['POST', '/reset'],
  restart: ['POST', '/restart'],
  set: ['POST', '/set', { remainingMs: 1_800_000 }],
  add: ['POST', '/add', { byMs: 60_000 }],
  multiply: ['POST', '/multiply', { factor: 2 }],
  extendIfWithin: ['POST', '/extend-if-within', { windowMs: 7_200_000, byMs: 60_000 }],
  delete: ['DELETE', ''],
}

async function bring(api: Api, id: string, state: TimerState): Promise<number> {
  const durationMs = 3_600_000
  const path = `/v1/timers/${id}`
  await api.put(id, { durationMs: state === 'completed' ? 0 : durationMs, autostart: state !== 'idle' })
  if (state === 'idle') await api.post(`${path}/set`, { remainingMs: 1_000_000 })
  if (state === 'paused') await api.post(`${path}/pause`)
  const { timer } = await api.get(path)
  assert.equal(timer.state, state)
  return timer.version
}

/** What the answer was, in the table's words as far as HTTP tells them. */
function nameOf(reply: Reply, version: number): string {
  if (reply.status >= 400) return reply.problem.code
  if (reply.status === 201) return 'created'
  if (reply.status === 204) return 'deleted'
  return reply.timer.version === version ? 'no-op' : 'changed'
}

function inHttp(cell: Cell): string {
  return ['created', 'deleted', 'no-op', 'not_found', 'wrong_state'].includes(cell) ? cell : 'changed'
}

export function table(api: () => Api): void {
  for (const state of ['none', ...timerStates] as const) {
    for (const op of ops) {
      test(`${state} × ${op} → ${cells[state][op]}`, async () => {
        const id = `cell-${state}-${op}`
        const version = state === 'none' ? 0 : await bring(api(), id, state)
        const [method, path, body] = requests[op]
        const reply = await api().call(method, `/v1/timers/${id}${path}`, { body })
        assert.equal(nameOf(reply, version), inHttp(cells[state][op]))
        const after = await api().get(`/v1/timers/${id}`)
        if (reply.status < 300 && reply.status !== 204) assert.deepEqual(after.timer, reply.timer)
        else if (state === 'none' || op === 'delete') assert.equal(after.status, 404)
        else assert.equal(after.timer.version, version, 'a refusal changes nothing')
      })
    }
  }
}
