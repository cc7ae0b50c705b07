// What every test of kill -9 does: load, the kill, a timer that falls due meanwhile, the restart, and the checker.
// Nothing acknowledged is lost, nothing happens twice, and what fell due meanwhile fires once, late or on time.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { seedOf } from '@timers/dev/seed.ts'
import fc from 'fast-check'
import { check, Ledger, type Entry } from './ledger.ts'
import { call, eventually, getTimer, startWorld, type World } from './world.ts'

export interface Victim {
  readonly name: string
  /** The others go on serving without it. */
  readonly spared: boolean
  readonly of: (world: World) => Killable
}

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

/** Kills each in turn, of one system, and holds everything to the ledger at the end. */
export async function killEach(t: TestContext, victims: readonly Victim[]): Promise<void> {
  const seed = seedOf(t)
  await using world = await startWorld()
  const ledger = new Ledger()
  for (const { name, spared, of } of victims) {
    const victim = of(world)
    const load = startLoad(world, ledger, name, seed)
    await acknowledged(ledger, 60)
    await call(world.url, 'PUT', `/v1/timers/meanwhile-${name}`, { durationMs: 1500 })
    await victim.kill()
    if (spared) await acknowledged(ledger, 30)
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
}
