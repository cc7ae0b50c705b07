// The probe of the fence, on a real nats-server, and on one whose answers all say "you won".

import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { startNatsServer } from '@timers/dev/nats-server.ts'
import type { RealServer } from '@timers/dev/real-server.ts'
import { connectNats } from '@timers/shared/nats/connect.ts'
import { quiet } from '@timers/shared/test/quiet.ts'
import { ClusterRefusedError } from '../src/nats/cluster-setup.ts'
import { probeFence } from '../src/nats/fence-probe.ts'

const options = { node: 'core.1', replicas: 1 }
let nats: RealServer
let one: NatsConnection
let other: NatsConnection
before(async () => {
  nats = await startNatsServer()
  const connect = () => connectNats({ servers: [nats.url], name: 'test', reconnect: true }, { logger: quiet })
  one = await connect()
  other = await connect()
})
after(async () => {
  await one.close()
  await other.close()
  await nats[Symbol.asyncDispose]()
})

async function streams(): Promise<string[]> {
  const names: string[] = []
  for await (const name of (await jetstreamManager(one)).streams.names()) names.push(name)
  return names
}

it('passes on a broker that lets one writer win, and leaves nothing behind', async () => {
  await probeFence(options, [one, other])
  assert.deepEqual(await streams(), [])
  // Nor is it stopped by what one that was killed has left.
  await (await jetstreamManager(one)).streams.add({ name: 'TIMERS_PROBE_core_1', subjects: ['old'] })
  await probeFence(options, [one, other])
  assert.deepEqual(await streams(), [])
})

it('refuses a broker that lets several win', async () => {
  // As one that does not look at what is expected: it never sees it.
  const blind = new Proxy(one, {
    get(target, name) {
      if (name !== 'request') return Reflect.get(target, name, target) as unknown
      return (subject: string, payload: Uint8Array, more: Record<string, unknown>) => {
        const isProbe = subject.startsWith('timers.probe.')
        const asked = isProbe ? { ...more, headers: undefined } : more
        return target.request(subject, payload, asked as never)
      }
    },
  })
  await assert.rejects(probeFence(options, [blind]), (error) => {
    assert.ok(error instanceof ClusterRefusedError, String(error))
    assert.match(error.message, /does not hold the fence/)
    return true
  })
  assert.deepEqual(await streams(), [])
})
