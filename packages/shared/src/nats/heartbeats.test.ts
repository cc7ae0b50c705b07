import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { NatsConnection } from '@nats-io/transport-node'
import { startNatsServer } from '@timers/dev/nats-server.ts'
import type { RealServer } from '@timers/dev/real-server.ts'
import { Directory, type NodeState } from '../cluster/directory.ts'
import { subjects } from '../subjects.ts'
import { createSystemClock } from '../system-clock.ts'
import { quiet } from '../test/quiet.ts'
import { encodeHeartbeat } from '../wire/live-wire.ts'
import { connectNats } from './connect.ts'
import { followHeartbeats, startHeartbeats } from './heartbeats.ts'

const clock = createSystemClock()
let server: RealServer
let speaker: NatsConnection
let observer: NatsConnection

before(async () => {
  server = await startNatsServer()
  const options = { servers: [server.url], reconnect: true }
  speaker = await connectNats({ ...options, name: 'speaker' }, { logger: quiet })
  observer = await connectNats({ ...options, name: 'observer' }, { logger: quiet })
})
after(async () => {
  await speaker.close()
  await observer.close()
  await server[Symbol.asyncDispose]()
})

function core(sequence: number): NodeState {
  return {
    name: 'core-1',
    incarnation: 'a',
    role: 'timer-core',
    address: '127.0.0.1:1',
    dataId: 'd',
    owned: [{ partition: 3, sequence, term: 't' }],
    leaving: false,
  }
}

async function follow(): Promise<AsyncDisposable & { directory: Directory; warned: string[] }> {
  const directory = new Directory({ deadAfterMs: 1500 })
  const warned: string[] = []
  const logger = { ...quiet, warn: (_: object, message: string) => void warned.push(message) }
  const followed = followHeartbeats({ connection: observer, directory, clock, logger })
  await observer.flush()
  return { directory, warned, [Symbol.asyncDispose]: () => followed[Symbol.asyncDispose]() }
}

/** Resolves when `condition` holds, which is looked at with each change. */
function changed(directory: Directory, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = directory.onChange(() => {
      if (!condition()) return
      stop()
      resolve()
    })
  })
}

const isLive = (directory: Directory) => () => directory.live('timer-core', clock.monotonicMs()).length === 1
const isGone = (directory: Directory) => () => directory.live('timer-core', clock.monotonicMs()).length === 0

describe('heartbeats', { timeout: 30_000 }, () => {
  it('reach the directory at once, by themselves, and when asked for', async () => {
    await using followed = await follow()
    const { directory } = followed
    let sequence = 1
    const live = changed(directory, isLive(directory))
    const self = (): NodeState => core(sequence)
    await using beats = startHeartbeats({ intervalMs: 60_000 }, { connection: speaker, clock, self })
    await live
    assert.equal(directory.ownerOf(3, clock.monotonicMs())?.name, 'core-1')
    sequence = 2
    beats.now()
    await speaker.flush()
    await observer.flush()
    assert.equal(directory.sequenceOf(3, clock.monotonicMs()), 2)
  })

  it('go on, so that who beats stays alive', async () => {
    await using followed = await follow()
    const { directory } = followed
    let beaten = 0
    const enough = Promise.withResolvers<undefined>()
    const self = (): NodeState => {
      beaten += 1
      if (beaten === 5) enough.resolve(undefined)
      return core(beaten)
    }
    await using beats = startHeartbeats({ intervalMs: 20 }, { connection: speaker, clock, self })
    assert.ok(beats)
    await enough.promise
    await speaker.flush()
    await observer.flush()
    assert.ok((directory.sequenceOf(3, clock.monotonicMs()) ?? 0) >= 5)
  })

  it('end with a goodbye that takes effect at once', async () => {
    await using followed = await follow()
    const { directory } = followed
    const live = changed(directory, isLive(directory))
    const beats = startHeartbeats({ intervalMs: 50 }, { connection: speaker, clock, self: () => core(1) })
    await live
    const startedAtMs = clock.monotonicMs()
    const gone = changed(directory, isGone(directory))
    await beats[Symbol.asyncDispose]()
    await gone
    assert.ok(clock.monotonicMs() - startedAtMs < 1000)
    assert.equal(directory.ownerOf(3, clock.monotonicMs()), undefined)
  })

  it('that stop without a word are noticed after the time of death', async () => {
    await using followed = await follow()
    const { directory } = followed
    const live = changed(directory, isLive(directory))
    speaker.publish(subjects.nodes, encodeHeartbeat(core(1)))
    await live
    const heardAtMs = clock.monotonicMs()
    await changed(directory, isGone(directory))
    const silentMs = clock.monotonicMs() - heardAtMs
    assert.ok(silentMs > 1400 && silentMs < 3000, `${silentMs} ms`)
  })

  it('that cannot be read are told of and harm nothing', async () => {
    await using followed = await follow()
    const { directory, warned } = followed
    speaker.publish(subjects.nodes, 'garbage')
    speaker.publish(subjects.nodes)
    speaker.publish(subjects.nodes, encodeHeartbeat(core(1)))
    await speaker.flush()
    await observer.flush()
    assert.equal(warned.length, 2)
    assert.equal(directory.live('timer-core', clock.monotonicMs()).length, 1)
  })

  it('can end when the connection is gone, or when nobody answers', async () => {
    const own = await connectNats({ servers: [server.url], name: 'own', reconnect: false }, { logger: quiet })
    const deps = { connection: own, clock, self: () => core(1) }
    const beats = startHeartbeats({ intervalMs: 10 }, deps)
    const others = startHeartbeats({ intervalMs: 10 }, deps)
    server.pause()
    try {
      const startedAtMs = clock.monotonicMs()
      await others[Symbol.asyncDispose]()
      assert.ok(clock.monotonicMs() - startedAtMs < 1500)
    } finally {
      server.resume()
    }
    await own.close()
    await beats[Symbol.asyncDispose]()
  })
})
