// The command line as a process, against the whole system.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startCluster } from './cluster.ts'

const program = fileURLToPath(new URL('timer-cli.ts', import.meta.url))

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

function run(url: string, ...args: string[]): Promise<Ran> {
  const env = { ...process.env, TIMERS_URL: url }
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { env }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err })
    })
  })
}

test('puts, watches, changes and deletes timers, and tells what it was refused', async (t) => {
  await using stack = new AsyncDisposableStack()
  const dataDirectory = await mkdtemp(join(tmpdir(), 'timers-cli-'))
  stack.defer(() => rm(dataDirectory, { recursive: true, force: true, maxRetries: 3 }))
  const natsServer = process.env['NATS_SERVER']
  const cluster = stack.use(await startCluster({ dataDirectory, natsServer, counts: { 'timer-core': 1 } }))
  const timer = (...args: string[]): Promise<Ran> => run(cluster.frontDoor.url, ...args)

  await t.test('watch shows the end and how late it was', async () => {
    const [watched, put] = await Promise.all([
      timer('watch', 'tea'),
      timer('put', 'tea', '2s', '--title', 'Green'),
    ])
    assert.equal(put.code, 0, put.err)
    assert.match(put.out, /^tea {2}running {4}0:0[12]\.\d left, due .* {3}Green\n$/)
    assert.equal(watched.code, 0, watched.err)
    assert.match(
      watched.out,
      /tea {2}completed {2}fired .*, \d+ ms late {3}Green(, seen here after \d+ ms)?\n$/,
    )
  })

  await t.test('changes are told, and the history in order', async () => {
    for (const args of [
      ['add', 'tea', '1m'],
      ['start', 'tea'],
      ['pause', 'tea'],
      ['add', 'tea', '-10s'],
    ]) {
      const { code, err } = await timer(...args)
      assert.equal(code, 0, err)
    }
    const { out } = await timer('get', 'tea', '--json')
    const { state, remainingMs } = JSON.parse(out) as { state: string; remainingMs: number }
    assert.equal(state, 'paused')
    assert.ok(remainingMs > 40_000 && remainingMs <= 50_000, `${remainingMs}`)
    const history = await until(async () => {
      const { out: lines } = await timer('events', 'tea', '--json')
      const types = lines
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { type: string }).type)
      return types.length >= 6 ? types : undefined
    })
    assert.deepEqual(
      history,
      ['created', 'completed', 'adjusted', 'started', 'paused', 'adjusted'].map((name) => `timer.${name}`),
    )
    assert.match((await timer('list', '--state', 'paused')).out, /^tea {2}paused/)
    assert.equal((await timer('delete', 'tea')).out, 'deleted\n')
  })

  await t.test('faults and exit codes', async () => {
    const gone = await timer('get', 'tea')
    assert.equal(gone.code, 1)
    assert.match(gone.err, /^There is no such thing: .* \(404 not_found\)\n {2}request req_/)
    const wrong = await timer('put', 'tea', '-5s', '--label', 'A=b')
    assert.equal(wrong.code, 1)
    assert.match(wrong.err, /\/durationMs: .*\n {2}\/labels\/A: /)
    assert.equal((await timer('put', 'tea')).code, 2)
    assert.equal((await timer('get', 'tea', '--url', 'http://127.0.0.1:9')).code, 3)
  })
})

/** The read model is a moment behind. */
async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + 15_000
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > deadline) throw new Error('it did not come about within 15 s')
  }
}
