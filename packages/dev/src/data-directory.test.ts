import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  awaitGuard,
  CannotStart,
  checkVersions,
  guardFile,
  lockDataDirectory,
  moveAside,
} from './data-directory.ts'

const root = mkdtempSync(join(tmpdir(), 'timers-data-'))
const now = new Date('2026-01-02T03:04:05.678Z')
let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(root, 'd-'))
})
after(() => {
  rmSync(root, { recursive: true })
})

test('a lock is given back, and one whose owner is dead or another program is taken over', () => {
  const path = join(directory, 'lock')
  const lock = lockDataDirectory(directory)
  assert.equal(readFileSync(path, 'utf8'), String(process.pid))
  lock[Symbol.dispose]()
  assert.equal(existsSync(path), false)
  for (const stale of ['99999999', String(process.ppid), 'no pid']) {
    writeFileSync(path, stale)
    const taken = lockDataDirectory(directory)
    assert.equal(readFileSync(path, 'utf8'), String(process.pid))
    taken[Symbol.dispose]()
  }
})

test('what a killed starter left is waited for, and only that', async () => {
  const main = fileURLToPath(new URL('guard-main.ts', import.meta.url))
  const guard = spawn(process.execPath, [main], { stdio: ['pipe', 'ignore', 'inherit'] })
  const said: string[] = []
  const path = guardFile(directory)
  const done = (): Promise<void> => awaitGuard(directory, { say: (line) => said.push(line) })
  await done()
  writeFileSync(path, String(process.ppid))
  await done()
  assert.deepEqual([said, existsSync(path)], [[], false])
  writeFileSync(path, String(guard.pid))
  let over = false
  const waiting = done().then(() => (over = true))
  assert.deepEqual([said.length, over], [1, false])
  guard.stdin.end()
  await waiting
  assert.equal(existsSync(path), false)
})

test('versions are noted; another minor is fine, another major is a sentence', () => {
  checkVersions(directory, { 'nats-server': '2.15.1', mongod: '6.0.5' }, now)
  checkVersions(directory, { 'nats-server': '2.11.0', mongod: undefined }, now)
  assert.deepEqual(JSON.parse(readFileSync(join(directory, 'meta.json'), 'utf8')), {
    schema: 1,
    createdAt: now.toISOString(),
    'nats-server': '2.11.0',
    mongod: '6.0.5',
  })
  assert.throws(
    () => {
      checkVersions(directory, { 'nats-server': '2.15.1', mongod: '8.0.32' }, now)
    },
    (error) =>
      error instanceof CannotStart &&
      /written by mongod 6\.0\.5, and here is 8\.0\.32\. Start with --fresh/.test(error.message),
  )
})

test('another layout is a sentence too', () => {
  writeFileSync(join(directory, 'meta.json'), '{"schema":2}')
  assert.throws(() => {
    checkVersions(directory, { 'nats-server': '2.15.1', mongod: undefined }, now)
  }, /layout 2, this program wants 1\. Start with --fresh/)
})

test('--fresh moves all data aside, and not the lock', () => {
  lockDataDirectory(directory)
  assert.equal(moveAside(directory, now), undefined)
  writeFileSync(join(directory, 'meta.json'), '{"schema":2}')
  const aside = moveAside(directory, now)
  assert.equal(aside, join(directory, 'old', '2026-01-02T03-04-05.678Z'))
  assert.ok(existsSync(join(aside, 'meta.json')))
  assert.ok(existsSync(join(directory, 'lock')))
  checkVersions(directory, { 'nats-server': '2.15.1', mongod: undefined }, now)
})
