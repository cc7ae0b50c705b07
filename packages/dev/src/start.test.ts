import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from './free-port.ts'

interface Run {
  pid: number
  frontDoor: string
  processes: { name: string; pid: number; http?: string; partitions?: number[] }[]
}

const root = mkdtempSync(join(tmpdir(), 'timers-start-'))
const data = join(root, 'data')
const runPath = join(data, 'run.json')
const started: ChildProcess[] = []

after(() => {
  for (const child of started) child.kill('SIGKILL') // The guard ends the rest.
  rmSync(root, { recursive: true, maxRetries: 20 })
})

/** Runs `npm start`'s program; `output` resolves when it has ended. */
function start(port: number): { child: ChildProcess; output: Promise<string> } {
  const main = fileURLToPath(new URL('start.ts', import.meta.url))
  const child = spawn(process.execPath, [main, '--data', data, '--port', String(port)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started.push(child)
  let all = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (all += chunk))
  return { child, output: once(child, 'close').then(() => all) }
}

async function until<T>(what: string, deadlineMs: number, look: () => T | undefined): Promise<T> {
  const deadline = performance.now() + deadlineMs
  for (;;) {
    const seen = look()
    if (seen !== undefined) return seen
    if (performance.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${what}`)
    await delay(20)
  }
}

function readRun(): Run | undefined {
  return existsSync(runPath) ? (JSON.parse(readFileSync(runPath, 'utf8')) as Run) : undefined
}

/** Of these, those that run; a zombie does not. */
function alive(pids: readonly number[]): number[] {
  return pids.filter((pid) => {
    try {
      return !execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).startsWith('Z')
    } catch {
      return false
    }
  })
}

const pidsOf = (run: Run): number[] => [run.pid, ...run.processes.map(({ pid }) => pid)]

test('starts, restarts what dies, refuses a second, and is gone when killed', async () => {
  const port = await freePort()
  const { child } = start(port)
  const run = await until('run.json', 60_000, readRun)
  assert.equal(run.frontDoor, `http://127.0.0.1:${port}`)
  assert.equal(alive(pidsOf(run)).length, run.processes.length + 1)
  assert.equal((await fetch(`${run.frontDoor}/v1/time`)).status, 200)

  const second = start(port)
  const refusal = await second.output
  assert.equal(second.child.exitCode, 1)
  assert.match(
    refusal,
    new RegExp(`^It runs already: pid ${child.pid ?? 0}, http://127\\.0\\.0\\.1:${port}\\.`),
  )

  const victim = run.processes.find(({ name }) => name === 'ws-gateway')
  assert.ok(victim)
  process.kill(victim.pid, 'SIGKILL')
  const again = await until('the gateway runs again', 10_000, () =>
    readRun()?.processes.find(({ name, pid }) => name === 'ws-gateway' && pid !== victim.pid),
  )
  assert.equal(again.http, victim.http)

  // One that waits for news holds up the API's leaving.
  const body = JSON.stringify({ durationMs: 600_000 })
  const headers = { 'content-type': 'application/json' }
  await fetch(`${run.frontDoor}/v1/timers/held`, { method: 'PUT', body, headers })
  fetch(`${run.frontDoor}/v1/timers/held?afterVersion=1&waitMs=30000`).catch(() => undefined)
  const pids = pidsOf(readRun() ?? run)
  child.kill('SIGKILL')
  const next = start(port)
  const following = await until('run.json of the next', 60_000, () => {
    const seen = readRun()
    return seen?.pid === next.child.pid ? seen : undefined
  })
  assert.deepEqual(alive(pids), [], 'two at once on the same data')
  next.child.kill('SIGKILL')
  assert.match(await next.output, /^Waiting for what was killed to end/m)
  await until('nothing is left', 5_000, () => (alive(pidsOf(following)).length === 0 ? true : undefined))
})

test('starts on what a killed one left, on the next port if its own is taken, and ends in order', async () => {
  const before = readRun()
  assert.ok(before)
  const port = Number(new URL(before.frontDoor).port)
  const other = createServer().listen(port, '127.0.0.1')
  const { child, output } = start(port)
  const run = await until('run.json', 60_000, () => {
    const seen = readRun()
    return seen?.pid === child.pid ? seen : undefined
  })
  assert.notEqual(run.frontDoor, before.frontDoor)
  other.close()
  child.kill('SIGINT')
  const said = await output
  assert.equal(child.exitCode, 0)
  assert.match(said, new RegExp(`^Port ${port} is taken`, 'm'))
  const order = [...said.matchAll(/^stopping (.*)$/gm)].map(([, name]) => name)
  const mongod = run.processes.some(({ name }) => name === 'mongod') ? ['mongod'] : []
  assert.deepEqual(order, [
    'the front door',
    ...['ws-gateway', 'timer-api', 'timer-core-2', 'timer-core-1', 'persistence', 'nats-server'],
    ...mongod,
  ])
  assert.deepEqual(alive(pidsOf(run)), [])
  assert.equal(existsSync(runPath), false)
  assert.equal(existsSync(join(data, 'lock')), false)
})
