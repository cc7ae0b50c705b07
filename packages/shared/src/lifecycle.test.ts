import assert from 'node:assert/strict'
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const app = fileURLToPath(new URL('./test/trial-app.ts', import.meta.url))

class Trial implements AsyncDisposable {
  readonly child: ChildProcessWithoutNullStreams
  /** Of its stdout; undefined when it ended without one. */
  readonly firstLine: Promise<string | undefined>
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; stderr: string }>

  constructor(env: Record<string, string>) {
    this.child = spawn(process.execPath, [app], { env: { ...process.env, ...env } })
    let stderr = ''
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const lines = createInterface(this.child.stdout)
    this.firstLine = new Promise((resolve) => {
      lines.once('line', resolve).once('close', () => {
        resolve(undefined)
      })
    })
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        resolve({ code, signal, stderr })
      })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended
  }
}

describe('the life of a service', { concurrency: 3, timeout: 110_000 }, () => {
  for (const trial of ['stop hangs', 'leaks']) {
    it(`is killed after ten seconds when it ${trial}`, async () => {
      await using child = new Trial({ TRIAL: trial })
      await child.firstLine
      child.child.kill('SIGTERM')
      const { signal, stderr } = await child.ended
      assert.equal(signal, 'SIGKILL')
      assert.match(stderr, /stop took too long/)
    })
  }

  it('says in one line where it listens, and leaves on a signal with 0', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      await using trial = new Trial({ NODE_NAME: 'one', EXIT_WITH_STDIN: '1' })
      assert.deepEqual(JSON.parse((await trial.firstLine) ?? ''), {
        ready: true,
        role: 'trial',
        name: 'one',
        pid: trial.child.pid,
        ops: 'http://127.0.0.1:1',
        grpc: '127.0.0.1:2',
      })
      trial.child.kill(signal)
      const { code, stderr } = await trial.ended
      assert.equal(code, 0)
      assert.match(stderr, /^disposed$/m)
    }
  })

  it('leaves when its stdin ends, if asked to', async () => {
    await using trial = new Trial({ EXIT_WITH_STDIN: '1' })
    await trial.firstLine
    trial.child.stdin.end()
    const { code, stderr } = await trial.ended
    assert.equal(code, 0)
    assert.match(stderr, /^disposed$/m)
  })

  it('does not look at its stdin unless asked to', async () => {
    await using trial = new Trial({ EXIT_WITH_STDIN: '' })
    trial.child.stdin.end()
    await trial.firstLine
    trial.child.kill('SIGTERM')
    assert.match((await trial.ended).stderr, /"signal":"SIGTERM"/)
  })

  it('can be ended while it starts', async () => {
    await using trial = new Trial({ TRIAL: 'slow start', EXIT_WITH_STDIN: '1' })
    trial.child.stdin.end()
    assert.equal((await trial.ended).signal, 'SIGTERM')
  })

  it('tells every fault of its configuration and leaves with 2', async () => {
    await using trial = new Trial({ SPEED: '10', OPS_PORT: 'x' })
    assert.equal(await trial.firstLine, undefined)
    const { code, stderr } = await trial.ended
    assert.equal(code, 2)
    assert.deepEqual(stderr.trim().split('\n'), [
      'trial: OPS_PORT must be an integer from 0 to 65535',
      'trial: SPEED must be an integer from 1 to 9',
    ])
  })

  for (const [trial, said] of [
    ['start fails', 'no way'],
    ['throws', 'a bug'],
    ['fails', 'lost everything'],
  ] as const) {
    it(`leaves with 1 and a reason when it ${trial}`, async () => {
      await using child = new Trial({ TRIAL: trial, EXIT_WITH_STDIN: '1' })
      const { code, stderr } = await child.ended
      assert.equal(code, 1)
      assert.ok(stderr.includes(said), stderr)
      if (trial !== 'start fails') assert.match(stderr, /^disposed$/m)
    })
  }

  it('leaves with 1 when it cannot stop well', async () => {
    await using trial = new Trial({ TRIAL: 'stop fails' })
    await trial.firstLine
    trial.child.kill('SIGTERM')
    const { code, stderr } = await trial.ended
    assert.equal(code, 1)
    assert.ok(stderr.includes('stuck'), stderr)
  })

  it('dies at once of a second signal', async () => {
    await using trial = new Trial({ TRIAL: 'stop hangs' })
    await trial.firstLine
    trial.child.kill('SIGTERM')
    await new Promise<void>((resolve) => {
      trial.child.stderr.on('data', (text: string) => {
        if (text.includes('stopping')) resolve()
      })
    })
    trial.child.kill('SIGTERM')
    assert.equal((await trial.ended).signal, 'SIGTERM')
  })
})
