import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRegistry } from './metrics.ts'
import { startOpsServer, type OpsServer, type Readiness } from './ops-server.ts'

const loopback = { host: '127.0.0.1', port: 0 }

function start(readiness: () => Readiness | Promise<Readiness>): Promise<OpsServer> {
  return startOpsServer(loopback, { registry: createRegistry({ role: 'r', name: 'n' }), readiness })
}

describe('the ops server', () => {
  it('is alive whatever the readiness is, and tells why it is not ready', async () => {
    let readiness: Readiness = { ready: false, reasons: ['no owner of 3 partitions'] }
    await using ops = await start(() => readiness)
    assert.equal((await fetch(`${ops.url}/livez`)).status, 200)
    const before = await fetch(`${ops.url}/readyz`)
    assert.equal(before.status, 503)
    assert.deepEqual(await before.json(), readiness)
    readiness = { ready: true, reasons: [] }
    assert.equal((await fetch(`${ops.url}/readyz?x=1`)).status, 200)
  })

  it('is not ready when it cannot know in time', { timeout: 10_000 }, async () => {
    await using ops = await start(() => new Promise(() => undefined))
    const response = await fetch(`${ops.url}/readyz`)
    assert.equal(response.status, 503)
    assert.equal(((await response.json()) as Readiness).ready, false)
  })

  it('shows the metrics every service has', async () => {
    await using ops = await start(() => ({ ready: true, reasons: [] }))
    const text = await (await fetch(`${ops.url}/metrics`)).text()
    assert.match(text, /^timers_build_info\{version="[^"]+",node_version="[^"]+",role="r",node="n"\} 1$/m)
    assert.match(text, /^timers_event_loop_delay_seconds\{quantile="0.99",role="r",node="n"\} \d/m)
    assert.match(text, /^process_cpu_seconds_total/m)
  })

  it('has nothing else and takes nothing', async () => {
    await using ops = await start(() => ({ ready: true, reasons: [] }))
    for (const path of ['/', '/metrics/x', '//x', '/%zz']) {
      assert.equal((await fetch(`${ops.url}${path}`)).status, 404, path)
    }
    const post = await fetch(`${ops.url}/livez`, { method: 'POST' })
    assert.equal(post.status, 405)
    assert.equal(post.headers.get('allow'), 'GET, HEAD')
  })

  it('answers 500 when the readiness throws, and goes on', async () => {
    await using ops = await start(() => {
      throw new Error('broken')
    })
    assert.equal((await fetch(`${ops.url}/readyz`)).status, 500)
    assert.equal((await fetch(`${ops.url}/livez`)).status, 200)
  })

  it('closes although somebody waits for an answer', { timeout: 10_000 }, async () => {
    const asked = Promise.withResolvers<undefined>()
    const ops = await start(() => {
      asked.resolve(undefined)
      return new Promise(() => undefined)
    })
    const cutOff = assert.rejects(fetch(`${ops.url}/readyz`))
    await asked.promise
    const startedAtMs = performance.now()
    await ops[Symbol.asyncDispose]()
    await cutOff
    assert.ok(performance.now() - startedAtMs < 1500)
    await assert.rejects(fetch(`${ops.url}/livez`))
  })

  it('rejects when it cannot listen there', async () => {
    await using ops = await start(() => ({ ready: true, reasons: [] }))
    const taken = { host: '127.0.0.1', port: Number(new URL(ops.url).port) }
    const deps = {
      registry: createRegistry({ role: 'r', name: 'n' }),
      readiness: () => ({ ready: true, reasons: [] }),
    }
    await assert.rejects(startOpsServer(taken, deps), { code: 'EADDRINUSE' })
  })
})
