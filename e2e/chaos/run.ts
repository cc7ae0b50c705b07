// `npm run chaos -- [--rounds N] [--seed S] [--rate commands/s] [--outage seconds] [--only rounds,rolling,outage]`: the
// real system under load while it is harmed, then held to what its clients were told. Ends with a table of times; exit
// code 1 when anything is lost, double, early, stale or never fired, or an aim is missed.

import assert from 'node:assert/strict'
import { parseArgs } from 'node:util'
import { randomInt } from 'node:crypto'
import { randomOf } from '@timers/dev/seed.ts'
import { globalSetup } from '@timers/dev/test-setup.ts'
import { timerToJson } from '@timers/shared/timer/timer-json.ts'
import { check } from '../check.ts'
import { Ledger } from '../ledger.ts'
import { startLoad } from '../load.ts'
import { eventually, watchWhatever } from '../world.ts'
import { coreCrash } from './deeds.ts'
import { flatBytes, onTimeMs, runLongOutage, runShortOutage } from './outage.ts'
import { untilAllServed } from './probe.ts'
import { handOver, runRolling } from './rolling.ts'
import { runRounds, type Stage } from './rounds.ts'
import { Times } from './times.ts'
import { startChaosWorld } from './world.ts'

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    rate: { type: 'string', default: '500' },
    outage: { type: 'string', default: '60' },
    only: { type: 'string', default: 'rounds,rolling,outage' },
  },
})
const parts = new Set(flags.only.split(','))
const patienceMs = 60_000
const beganMs = performance.now()
const faults: string[] = []

function say(line: string): void {
  console.log(`${((performance.now() - beganMs) / 1000).toFixed(0).padStart(5)} s  ${line}`)
}

/** An aim that is missed is told at the end, and the run fails. */
function aim(holds: boolean, what: string): void {
  say(`${holds ? 'ok    ' : 'MISSED'} ${what}`)
  if (!holds) faults.push(what)
}

async function harm(stage: Stage): Promise<void> {
  const { times } = stage
  if (parts.has('rounds')) {
    await runRounds(Number(flags.rounds), stage)
    const p99 = times.p99(coreCrash)
    if (p99 !== undefined) aim(p99 <= 3000, `${coreCrash}: p99 ${Math.round(p99)} ms, aim ≤ 3000`)
  }
  if (parts.has('rolling')) {
    const { commands, failed } = await runRolling(Number(flags.rate), stage)
    const codes = Object.entries(Object.groupBy(failed, (one) => ('code' in one ? one.code : one.kind)))
    const why = codes.map(([code, all]) => ` ${all?.length ?? 0} ${code}`).join()
    aim(failed.length === 0, `rolling restart: ${failed.length} of ${commands} commands failed${why}, aim 0`)
    const p99 = times.p99(handOver)
    if (p99 !== undefined) aim(p99 <= 200, `${handOver}: p99 ${Math.round(p99)} ms, aim ≤ 200`)
  }
  if (parts.has('outage')) {
    await runShortOutage(stage)
    const grown = await runLongOutage(Number(flags.outage), stage)
    for (const [name, bytes] of grown) {
      const megabytes = (bytes / 1024 / 1024).toFixed(1)
      aim(bytes < flatBytes, `memory of ${name} while NATS was away: ${megabytes} MiB more`)
    }
  }
}

async function run(): Promise<void> {
  say(`seed ${flags.seed}`)
  await globalSetup()
  const random = randomOf(Number(flags.seed))
  await using world = await startChaosWorld(random)
  say(`${world.cluster.processes.length} processes are up`)
  const ledger = new Ledger(world)
  await using viewer = watchWhatever(world.url, 'load-')
  const times = new Times()
  const stage = { world, ledger, random, times, say }
  const load = startLoad({ prefix: 'load', seed: Number(flags.seed) }, { ledger })
  await untilAllServed(stage)
  await harm(stage)
  await load.end()
  say(`${ledger.entries.length} requests: ${ledger.summary()}; ${ledger.reads} reads judged`)

  const { events, newest, lateness } = await check(ledger, world.cluster, patienceMs)
  await eventually(() => {
    const there = [...newest.values()].filter(
      ({ type, timer }) => type !== 'deleted' && timer.timerId.startsWith('load-'),
    )
    const wanted = new Map(there.map(({ timer }) => [timer.timerId, timerToJson(timer)]))
    assert.deepEqual(viewer.held, wanted, 'a viewer who watched all the time has something else')
    return true
  }, patienceMs)
  const latenessOf = (prefix: string): number[] =>
    lateness.filter(({ timerId }) => timerId.startsWith(prefix)).map(({ ms }) => ms)
  if (parts.has('outage')) {
    const [late, inTime] = [latenessOf('outage-in-'), latenessOf('outage-after-')]
    aim(
      Math.min(...late) > 0,
      `due while NATS was away: fired ${Math.min(...late)} to ${Math.max(...late)} ms late`,
    )
    aim(Math.max(...inTime) <= onTimeMs, `due after it was back: at most ${Math.max(...inTime)} ms late`)
  }
  console.log(`\n${times.table()}\n`)
  say(`${events.length} events, ${lateness.length} fired: nothing lost, double, early or stale`)
}

try {
  await run()
} catch (error) {
  faults.push('the check')
  console.error(error)
}
console.log(
  faults.length === 0 ? `held, seed ${flags.seed}` : `FAILED, seed ${flags.seed}: ${faults.join('; ')}`,
)
process.exitCode = faults.length === 0 ? 0 : 1
