// The gateway as it runs: nats-server, two timer-core nodes, timer-api and the gateway as processes.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startCluster, type Cluster, type ClusterOptions } from '@timers/dev/cluster.ts'
import type { Service } from '@timers/dev/service.ts'

export interface RealWorld extends AsyncDisposable {
  readonly cluster: Cluster
  readonly gateway: Service
  /** Of the gateway. */
  readonly url: string
  /** Calls timer-api; the body that came back. */
  api(method: string, path: string, body?: object): Promise<unknown>
}

export async function startRealWorld(counts: ClusterOptions['counts'] = {}): Promise<RealWorld> {
  await using stack = new AsyncDisposableStack()
  const dataDirectory = await mkdtemp(join(tmpdir(), 'ws-gateway-'))
  stack.defer(() => rm(dataDirectory, { recursive: true, force: true }))
  const cluster = stack.use(await startCluster({ dataDirectory, counts: { persistence: 0, ...counts } }))
  const gateway = cluster.service('ws-gateway')
  const { http } = gateway
  assert.ok(http)
  const owned = stack.move()
  return {
    cluster,
    gateway,
    url: http,
    async api(method, path, body) {
      const response = await fetch(`${cluster.service('timer-api').http ?? ''}${path}`, {
        method,
        ...(body !== undefined && {
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json' },
        }),
      })
      const text = await response.text()
      assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`)
      return text === '' ? undefined : (JSON.parse(text) as unknown)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** The value of a metric of this name and these labels, as the ops port shows it. */
export async function metric(service: Service, name: string, labels = ''): Promise<number> {
  const text = await (await fetch(`${service.ops}/metrics`)).text()
  const line = text.split('\n').find((one) => one.startsWith(`${name}{`) && one.includes(labels))
  return Number(line?.slice(line.lastIndexOf(' ') + 1) ?? NaN)
}

/** Asks until the check holds; its last complaint after 20 s. */
export async function eventually(check: () => Promise<void>): Promise<void> {
  const untilMs = performance.now() + 20_000
  for (;;) {
    try {
      await check()
      return
    } catch (error) {
      if (performance.now() > untilMs) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
