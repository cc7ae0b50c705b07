// What every test of kill -9 does: load, the kill, timers that fall due meanwhile, the restart, and the checker.
// Nothing acknowledged is lost, nothing happens twice, and what fell due meanwhile fires once, late or on time.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { seedOf } from '@timers/dev/seed.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import { timerToJson } from '@timers/shared/timer/timer-json.ts'
import { check } from './check.ts'
import { Ledger } from './ledger.ts'
import { acknowledged, startLoad } from './load.ts'
import { eventually, startWorld, watchWhatever, type World } from './world.ts'

export interface Victim {
  readonly name: string
  /** What of commands and firing goes on while it is down: timers of some partitions stand till another takes them. */
  readonly stops: 'nothing' | 'commands' | 'some timers' | 'all'
  readonly of: (world: World) => Killable
}

interface Killable {
  kill(): Promise<void>
  restart(): Promise<void>
}

const partitionCount = 64
const meanwhile = Array.from({ length: 12 }, (_, i) => 300 + i * 100)

/** Timers that fall due while the victim is down; if it is an owner, its own. */
async function putMeanwhile(world: World, ledger: Ledger, { name, stops }: Victim): Promise<void> {
  const isIts = (timerId: string): boolean =>
    stops !== 'some timers' ||
    world.cluster.owners.ownerOf(partitionOf('default', timerId, partitionCount)) === name
  const ids = Array.from({ length: 1000 }, (_, i) => `kill-${name}-meanwhile-${i}`).filter(isIts)
  const puts = meanwhile.map((durationMs, i) => ledger.send(ids[i] ?? '', 'put', { durationMs }))
  for (const { kind } of await Promise.all(puts)) assert.equal(kind, 'done')
}

async function killOne(world: World, ledger: Ledger, victim: Victim, seed: number): Promise<void> {
  const { name, stops, of } = victim
  const process = of(world)
  const load = startLoad({ prefix: `kill-${name}`, seed }, { ledger })
  await acknowledged(ledger, 60)
  await putMeanwhile(world, ledger, victim)
  await process.kill()
  if (stops === 'nothing' || stops === 'some timers') await acknowledged(ledger, 30)
  await delay(1600)
  await process.restart()
  await acknowledged(ledger, 30)
  await load.end()
}

/** Kills each in turn, of one system, and holds everything to the ledger at the end. */
export async function killEach(t: TestContext, victims: readonly Victim[]): Promise<void> {
  const seed = seedOf(t)
  await using world = await startWorld()
  const ledger = new Ledger(world)
  await using viewer = watchWhatever(world.url, 'kill-')
  for (const victim of victims) {
    await killOne(world, ledger, victim, seed)
    t.diagnostic(`after ${victim.name}: ${ledger.summary()}`)
  }
  const { events, newest, lateness } = await check(ledger, world.cluster)
  for (const { name, stops } of victims) {
    const late = lateness
      .filter(({ timerId }) => timerId.startsWith(`kill-${name}-meanwhile-`))
      .map(({ ms }) => ms)
    assert.equal(late.length, meanwhile.length, `of ${name}'s timers ${late.length} fired`)
    const most = Math.max(...late)
    t.diagnostic(`${name}: what fell due meanwhile was up to ${most} ms late`)
    if (stops === 'all' || stops === 'some timers') assert.ok(most > 300, 'nothing fell due meanwhile')
  }
  // Who watched all the time, through every loss, has seen it come to the same.
  const there = [...newest.values()].filter(({ type }) => type !== 'deleted').map(({ timer }) => timer)
  await eventually(() => {
    const wanted = new Map(there.map((timer) => [timer.timerId, timerToJson(timer)]))
    assert.deepEqual(viewer.held, wanted)
    return true
  })
  t.diagnostic(`${ledger.entries.length} requests, ${events.length} events, ${lateness.length} fired`)
}
