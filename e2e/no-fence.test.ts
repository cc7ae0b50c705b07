// The checker checked: where the fence is taken away from the owners, an owner that stood still must be found out by
// what its clients were told.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { seedOf } from '@timers/dev/seed.ts'
import { check } from './check.ts'
import { Ledger } from './ledger.ts'
import { acknowledged, startLoad } from './load.ts'
import { eventually, startWorld } from './world.ts'

const preload = `--import ${new URL('no-fence.ts', import.meta.url).href}`

/** What the checker finds after an owner stood still under load. */
async function faultWith(env: Readonly<Record<string, string>>, seed: number): Promise<unknown> {
  await using world = await startWorld({ env })
  const { owners } = world.cluster
  const ledger = new Ledger(world)
  const load = startLoad({ prefix: 'fence', seed }, { ledger })
  await acknowledged(ledger, 100)
  const victim = world.cluster.service('timer-core', 1)
  victim.pause()
  await eventually(() => (owners.ownedBy(victim.name).length === 0 ? true : undefined))
  // The other one takes all of it, and writes.
  await acknowledged(ledger, 50)
  await delay(500)
  victim.resume()
  await acknowledged(ledger, 200)
  await load.end()
  return await check(ledger, world.cluster, 5000).then(
    () => undefined,
    (fault: unknown) => fault,
  )
}

test('without the fence the checker finds what was lost', { timeout: 100_000 }, async (t) => {
  const fault = await faultWith({ NODE_OPTIONS: preload }, seedOf(t))
  assert.ok(fault instanceof Error)
  t.diagnostic(fault.message.slice(0, 300))
})

test('with it nothing is', { timeout: 100_000 }, async (t) => {
  assert.equal(await faultWith({}, seedOf(t)), undefined)
})
