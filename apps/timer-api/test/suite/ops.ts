// What operators see: labels are patterns and codes, never what clients send.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { routes } from '../../src/http/routes.ts'
import type { World } from '../world.ts'

export function ops(world: () => World): void {
  test('requests are measured by pattern and status, and by nothing a client can choose', async () => {
    const { api, cluster } = world()
    await api.put('measured', { durationMs: 3_600_000 })
    await api.get('/made-up/by-a-client')
    await api.call('MOVE', '/v1/timers/measured')
    const text = await (await fetch(`${cluster.service('timer-api').ops}/metrics`)).text()
    const labels = [...text.matchAll(/^timers_request_seconds_count\{.*?route="([^"]*)",status="(\d+)"/gm)]
    const patterns = new Set(
      routes.flatMap(({ method, path }) => [`${method} ${path}`, `* ${path}`]).concat('none'),
    )
    assert.ok(labels.some(([, route, status]) => route === 'PUT /v1/timers/{id}' && status === '201'))
    for (const [, route = ''] of labels) assert.ok(patterns.has(route), route)
    assert.match(text, /^timers_requests_in_flight\{.*\} 0$/m)
    assert.match(text, /^timers_partition_unowned\{.*\} 0$/m)
    assert.match(text, /^timers_build_info\{/m)
  })
}
