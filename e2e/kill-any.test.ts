// kill -9 of any one process under load: nothing acknowledged is lost, nothing happens twice, and what fell due
// meanwhile fires once, with its lateness told. A client's ledger is the witness.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { seedOf } from '@timers/dev/seed.ts'
import fc from 'fast-check'
import { check, Ledger, type Entry } from './ledger.ts'
import { call, eventually, getTimer, startWorld, type World } from './world.ts'

interface Killable {
  kill(): Promise<void>
  restart(): Promise<void>
}

const workers = 8
const pauseMs = 30

/** Runs until it is ended: each worker has timers of its own, one request at a time. */
function startLoad(world: World, ledger: Ledger, name: string, seed: number): { end(): Promise<void> } {
  let ended = false
  const step = fc.record({
    op: fc.constantFrom<Entry['op']>('put', 'put', 'put', 'add', 'add', 'pause', 'start', 'delete'),
    timer: fc.nat(5),
    durationMs: fc.integer({ min: 100, max: 4000 }),
  })
  const work = async (worker: number): Promise<void> => {
    const steps = fc.sample(step, { seed: seed + worker, numRuns: 2000 })
    for (const { op, timer, durationMs } of steps) {
      if (ended) return
      const body = op === 'put' ? { durationMs } : op === 'add' ? { byMs: 250 } : undefined
      await ledger.send(world.url, `${name}-${worker}-${timer}`, op, body)
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }
  const all = Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)))
  return {
    async end() {
      ended = true
      await all
    },
  }
}

async function acknowledged(ledger: Ledger, more: number): Promise<void> {
  const done = (): number => ledger.entries.filter(({ outcome }) => outcome.kind === 'done').length
  const wanted = done() + more
  await eventually(() => (done() >= wanted ? true : undefined), 40_000)
}

describe('kill -9', { timeout: 110_000 }, () => {
  const victims: Record<string, (world: World) => Killable> = {
    'timer-core': ({ cluster }) => cluster.service('timer-core', 1),
    'timer-api': ({ cluster }) => cluster.service('timer-api'),
    'ws-gateway': ({ cluster }) => cluster.service('ws-gateway'),
    persistence: ({ cluster }) => cluster.service('persistence'),
    'nats-server': ({ cluster }) => present(cluster.nats),
    mongod: ({ cluster }) => present(cluster.mongod),
  }

  test('of every process in turn, under load', { timeout: 110_000 }, async (t) => {
    const seed = seedOf(t)
    await using world = await startWorld()
    const ledger = new Ledger()
    for (const [name, victimOf] of Object.entries(victims)) {
      const victim = victimOf(world)
      const load = startLoad(world, ledger, name, seed)
      await acknowledged(ledger, 60)
      await call(world.url, 'PUT', `/v1/timers/meanwhile-${name}`, { durationMs: 1500 })
      await victim.kill()
      // The others serve without it: of a core node that has a successor, of MongoDB, persistence or a gateway.
      if (['timer-core', 'ws-gateway', 'persistence', 'mongod'].includes(name)) await acknowledged(ledger, 30)
      await new Promise((resolve) => setTimeout(resolve, 1600))
      await victim.restart()
      await acknowledged(ledger, 30)
      await load.end()
      const timer = await eventually(async () => {
        const found = await getTimer(world.url, `meanwhile-${name}`)
        return found.state === 'completed' ? found : undefined
      })
      assert.equal(timer.completedBy, 'fire')
      assert.ok(Date.parse(timer.completedAt ?? '') >= Date.parse(timer.deadline ?? ''))
      t.diagnostic(`${name}: answers by status ${JSON.stringify([...ledger.statuses])}`)
    }
    const { events, fired } = await check(ledger, world.cluster)
    t.diagnostic(`${ledger.entries.length} requests, ${events} events, ${fired} fired`)
    assert.ok(fired > 0)
  })
})

function present<T>(value: T | undefined): T {
  assert.ok(value)
  return value
}
