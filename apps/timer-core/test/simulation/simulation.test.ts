// Seeds of the simulation, as many as a test run has time for; `npm run simulate` runs more. And each bug that is
// planted is found: a simulation that finds nothing says nothing.

import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { describe, it, test } from 'node:test'
import { simulate } from './crew.ts'
import { bugs } from './planted/bugs.ts'
import type { Rule } from './check/violation.ts'

const workers = Math.min(2, availableParallelism())
const progress = (): void => undefined

test('no seed breaks a rule', async (t) => {
  const options = { from: 1, seeds: 300, workers, twice: false, shrinks: true }
  const { seeds, counts, finding } = await simulate(options, { progress })
  assert.equal(finding, undefined, finding?.text)
  const count = (what: string): number => counts.get(what) ?? 0
  t.diagnostic(`${seeds} seeds, ${[...counts].map(([what, n]) => `${what} ${n}`).join(', ')}`)
  // Otherwise it was not asked much, or nothing went wrong.
  for (const what of [
    'done',
    'found',
    'no-op',
    'fired',
    'takeover',
    'append unknown',
    'append refused',
    'cut',
  ])
    assert.ok(count(what) > seeds / 10, `${what}: ${count(what)} in ${seeds} seeds`)
})

test('a seed is the same whenever it is run', async () => {
  const { finding } = await simulate(
    { from: 301, seeds: 30, workers, twice: true, shrinks: false },
    { progress },
  )
  assert.equal(finding, undefined, finding?.text)
})

/** By bug: a seed that found it when this was written, and the rules it may break. */
const found: Readonly<Record<string, readonly [seed: number, ...rules: Rule[]]>> = {
  'drop the fence': [2, 'acknowledged means in the log', 'versions follow', 'heals'],
  'ack before commit': [1, 'acknowledged means in the log'],
  'forget staged commands in the duplicate check': [382, 'judged on what the log says', 'done once'],
  'skip replay': [2, 'memory is what the log says'],
  'purge too early': [1, 'nothing is cut that is needed', 'heals'],
  "delete others' snapshots": [1, 'nothing is cut that is needed', 'heals'],
  'answer no-ops at once': [263, 'linearizable per timer'],
  'restart versions': [1, 'memory is what the log says', 'versions follow'],
  "trust 10071's number": [3, 'acknowledged means in the log', 'linearizable per timer'],
  'ratchet the clock': [48, 'never early'],
  'serve reads without a Beat': [263, 'linearizable per timer', 'heals'],
  'judge a command before the overdue fire': [10, 'a due firing comes first'],
}
/** The first that finds it is as good as the one above. */
const seedsMost = 1000

describe('a planted bug is found', () => {
  for (const [bug, [from, ...rules]] of Object.entries(found)) {
    it(bug, async () => {
      const options = { from, seeds: seedsMost, workers: 1, twice: false, shrinks: false, bug }
      const { finding } = await simulate(options, { progress })
      assert.match(finding?.text ?? 'nothing', new RegExp(`^Seed \\d+: (${rules.join('|')})`))
    })
  }

  it('and so is every other', () => {
    assert.deepEqual(Object.keys(found).sort(), Object.keys(bugs).sort())
  })
})
