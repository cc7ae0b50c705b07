import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openLogFiles } from './log-files.ts'
import { ManagedProcess } from './managed-process.ts'
import type { ManagedProcessOptions } from './managed-process.ts'
import { ranges } from './report.ts'

const noGuard = { watch: () => undefined, forget: () => undefined, [Symbol.dispose]: () => undefined }

/** A process that runs this script and is ready with its first line. */
async function start(
  script: string,
  options: Partial<ManagedProcessOptions<string>> = {},
  log?: (line: string) => void,
): Promise<ManagedProcess<string>> {
  return await ManagedProcess.start(
    {
      name: 'child',
      command: '/bin/sh',
      args: ['-c', script],
      kind: 'server',
      readyWhen: (line) => line,
      ...options,
    },
    log === undefined ? { guard: noGuard } : { guard: noGuard, log },
  )
}

test('ready with what it told; stopped by SIGTERM', async () => {
  await using child = await start('trap "exit 7" TERM; echo here; while :; do sleep 0.01; done')
  assert.equal(child.told, 'here')
  await child.stop()
  assert.deepEqual(await child.exited, { code: 7, signal: null, unexpected: false })
})

test('one that does not leave is killed after its deadline', async () => {
  const lines: string[] = []
  const script = 'trap "" TERM; echo here; while :; do sleep 0.01; done'
  const child = await start(script, { stopDeadlineMs: 50 }, (line) => lines.push(line))
  await child.stop()
  assert.equal((await child.exited).signal, 'SIGKILL')
  assert.match(lines.at(-1) ?? '', /killed$/)
})

test('one that stands still is stopped all the same', async () => {
  const child = await start('trap "exit 0" TERM; echo here; while :; do sleep 0.01; done')
  child.pause()
  await child.stop()
  assert.equal((await child.exited).code, 0)
})

test('a service leaves when its stdin ends with the starter, and an end by itself is unexpected', async () => {
  const child = await start('echo here; read line; exit 4', { kind: 'service' })
  process.kill(child.pid, 'SIGKILL')
  assert.equal((await child.exited).unexpected, true)
  assert.equal(child.running, false)
})

test('one that is silent or ends before it is ready throws with its last lines', async () => {
  await assert.rejects(start('echo oops >&2; exit 3', { readyWhen: () => undefined }), (error: Error) =>
    /^child ended before it was ready \(exit code 3\)\n {2}oops$/.test(error.message),
  )
  await assert.rejects(
    start('echo hm; exec sleep 60', { readyWhen: () => undefined, readyDeadlineMs: 50 }),
    /^ProcessFault: child was not ready within 0\.05 s\n {2}hm$/,
  )
  const silent = { readyWhen: () => undefined, signal: AbortSignal.timeout(50) }
  await assert.rejects(start('exec sleep 60', silent), /child is not wanted any more/)
  await assert.rejects(start('', { command: '/no/such/program' }), /ENOENT/)
})

test('a restart gets what the last run told', async () => {
  const script = 'echo "${BEFORE:-first}"; exec sleep 60'
  await using child = await start(script, { env: (before) => ({ BEFORE: before && `after ${before}` }) })
  const { pid } = child
  await child.restart()
  assert.equal(child.told, 'after first')
  assert.notEqual(child.pid, pid)
})

test('log files keep the newest lines and one file before', () => {
  const directory = mkdtempSync(join(tmpdir(), 'timers-logs-'))
  {
    using logs = openLogFiles({ directory, bytesEach: 20 })
    for (let i = 1; i <= 9; i++) logs.write('a', `line ${i}`)
    logs.write('b', 'other')
  }
  assert.equal(readFileSync(join(directory, 'a.log'), 'utf8'), 'line 7\nline 8\nline 9\n')
  assert.equal(readFileSync(join(directory, 'a.log.1'), 'utf8'), 'line 4\nline 5\nline 6\n')
  assert.equal(readFileSync(join(directory, 'b.log'), 'utf8'), 'other\n')
  rmSync(directory, { recursive: true })
})

test('ranges are short', () => {
  assert.equal(ranges([]), 'none')
  assert.equal(ranges([0, 1, 2, 5, 7, 8]), '0-2,5,7-8')
})
