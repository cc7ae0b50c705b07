// What still works, and what is said, when a part is down.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, type World } from '../world.ts'

export function outages(world: () => World): void {
  const noMongod = process.env['MONGOD'] === undefined && 'files are kept by one node only'
  test('while one of two read model nodes stands still the other answers', { skip: noMongod }, async () => {
    const { api, cluster } = world()
    const still = cluster.service('persistence', 2)
    still.pause()
    try {
      for (let asked = 0; asked < 10; asked += 1)
        assert.equal((await api.get('/v1/timers?limit=1')).status, 200)
    } finally {
      still.resume()
    }
  })

  test('without the read model single timers go on, lists say 503, and come back with it', async () => {
    const { api, cluster } = world()
    const readModel = cluster.services.filter(({ role }) => role === 'persistence')
    await Promise.all(readModel.map((node) => node.kill()))
    assert.equal((await api.put('alone', { durationMs: 3_600_000 })).status, 201)
    assert.equal((await api.get('/v1/timers/alone')).status, 200)
    for (const path of ['/v1/timers', '/v1/timers/alone/events', '/v1/events?waitMs=100', '/v1/stats']) {
      const startedAtMs = performance.now()
      assert.equal((await api.get(path)).problem.code, 'unavailable')
      assert.ok(performance.now() - startedAtMs < 6000)
    }
    await Promise.all(readModel.map((node) => node.restart()))
    await eventually(async () => {
      assert.equal((await api.get('/v1/timers')).status, 200)
    })
  })

  test('without an owner a change is refused in time as not done, and is done once there is one', async () => {
    const { api, cluster } = world()
    const cores = [cluster.service('timer-core', 1), cluster.service('timer-core', 2)]
    await Promise.all(cores.map((core) => core.kill()))
    const startedAtMs = performance.now()
    const refused = await api.put('owner', { durationMs: 3_600_000 })
    assert.ok(['unavailable', 'outcome_unknown'].includes(refused.problem.code), refused.text)
    assert.ok(performance.now() - startedAtMs < 7000)
    assert.equal((await api.get('/v1/timers/owner')).problem.code, 'unavailable')
    await Promise.all(cores.map((core) => core.restart()))
    await eventually(async () => {
      assert.ok((await api.put('owner', { durationMs: 3_600_000 })).status < 300)
    })
  })

  test('without NATS no message is said to have gone out', async () => {
    const { api, cluster } = world()
    await cluster.nats?.kill()
    await eventually(async () => {
      assert.equal((await api.post('/v1/messages', { kind: 'k', data: 1 })).problem.code, 'unavailable')
    })
    await cluster.nats?.restart()
    await eventually(async () => {
      assert.equal((await api.post('/v1/messages', { kind: 'k', data: 1 })).status, 202)
    })
    await eventually(async () => {
      assert.ok((await api.put('after-nats', { durationMs: 3_600_000 })).status < 300)
    })
  })
}
