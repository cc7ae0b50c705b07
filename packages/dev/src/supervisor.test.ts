import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Exit, Supervised } from './managed-process.ts'
import { supervise } from './supervisor.ts'

/** A process that dies when told to, and comes back unless told not to. */
class Mortal implements Supervised {
  readonly name = 'mortal'
  readonly lastLines = ['its last line']
  pid = 1
  restarts = 0
  broken = false
  #exit = Promise.withResolvers<Exit>()

  get exited(): Promise<Exit> {
    return this.#exit.promise
  }

  die(unexpected = true): void {
    this.#exit.resolve({ code: null, signal: 'SIGKILL', unexpected })
  }

  async restart(): Promise<void> {
    this.restarts++
    if (this.broken) throw new Error('port taken\n and more')
    this.pid++
    this.#exit = Promise.withResolvers()
    return Promise.resolve()
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

test('what dies by itself is started again and said; what was asked to leave is not', async () => {
  const said: string[] = []
  const [mortal, quiet] = [new Mortal(), new Mortal()]
  const supervisor = supervise([mortal, quiet], { say: (line) => said.push(line), restartAfterMs: 0 })
  quiet.die(false)
  mortal.die()
  await until(() => said.length === 2)
  assert.deepEqual(said, ['mortal: pid 1 ended by SIGKILL; starting it again', 'mortal: runs again, pid 2'])
  assert.equal(quiet.restarts, 0)
  await supervisor[Symbol.asyncDispose]()
})

test('the fifth death within a minute is the last, with its last lines', async () => {
  const mortal = new Mortal()
  await using supervisor = supervise([mortal], { say: () => undefined, restartAfterMs: 0 })
  for (let death = 1; death <= 5; death++) {
    mortal.die()
    if (death < 5) await until(() => mortal.restarts === death)
  }
  await assert.rejects(supervisor.gaveUp, /mortal died 5 times within a minute:\n {2}its last line/)
  assert.equal(mortal.restarts, 4)
})

test('deaths further apart are forgiven', async () => {
  let now = 0
  const mortal = new Mortal()
  const supervisor = supervise([mortal], { say: () => undefined, restartAfterMs: 0, now: () => now })
  for (let death = 1; death <= 8; death++) {
    now += 16_000 // Four within a minute.
    mortal.die()
    await until(() => mortal.restarts === death)
  }
  await supervisor[Symbol.asyncDispose]()
})

test('a start that fails counts as a death', async () => {
  const mortal = new Mortal()
  mortal.broken = true
  const said: string[] = []
  await using supervisor = supervise([mortal], { say: (line) => said.push(line), restartAfterMs: 0 })
  mortal.die()
  await assert.rejects(supervisor.gaveUp, /died 5 times/)
  assert.equal(said[1], 'mortal: port taken; starting it again')
})

test('disposing ends the wait before a restart', async () => {
  const mortal = new Mortal()
  const said: string[] = []
  const supervisor = supervise([mortal], { say: (line) => said.push(line), restartAfterMs: 3_600_000 })
  mortal.die()
  await until(() => said.length === 1)
  await supervisor[Symbol.asyncDispose]()
  assert.equal(mortal.restarts, 0)
})
