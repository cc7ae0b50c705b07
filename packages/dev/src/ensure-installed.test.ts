import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = mkdtempSync(join(tmpdir(), 'timers-install-'))
after(() => {
  rmSync(root, { recursive: true })
})

/** What the script makes npm do, if anything; this npm installs nothing but says that it has. */
function run(): boolean {
  const script = join(root, 'scripts', 'ensure-installed.mjs')
  const env = { ...process.env, npm_execpath: join(root, 'npm.js') }
  const { stdout, status, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8', env })
  assert.equal(status, 0, stderr)
  return stdout.includes('Installing packages')
}

function write(path: string, content: string, atSeconds: number): void {
  writeFileSync(join(root, path), content)
  utimesSync(join(root, path), atSeconds, atSeconds)
}

test('installs when the lock says something else, not when it was only written anew', () => {
  mkdirSync(join(root, 'node_modules', '.bin'), { recursive: true })
  symlinkSync(process.execPath, join(root, 'node_modules', '.bin', 'node'))
  const script = fileURLToPath(new URL('../../../scripts/ensure-installed.mjs', import.meta.url))
  cpSync(script, join(root, 'scripts', 'ensure-installed.mjs'))
  writeFileSync(
    join(root, 'npm.js'),
    "require('fs').writeFileSync('node_modules/.package-lock.json', String(Math.random()))",
  )
  const now = Math.floor(Date.now() / 1000)
  write('package-lock.json', 'one', now - 100)
  assert.equal(run(), true, 'nothing is there')
  assert.equal(run(), false)
  write('package-lock.json', 'one', now + 100)
  assert.equal(run(), false, 'the same again, as git checkout writes it')
  write('package-lock.json', 'two', now + 200)
  assert.equal(run(), true, 'another one')
  write('node_modules/.package-lock.json', 'npm update', now + 250)
  write('package-lock.json', 'two', now + 300)
  assert.equal(run(), true, 'npm has been at it since')
})
