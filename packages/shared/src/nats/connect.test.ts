import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { freePort } from '@timers/dev/free-port.ts'
import { startNatsServer } from '@timers/dev/nats-server.ts'
import { quiet } from '../test/quiet.ts'
import { connectNats } from './connect.ts'

describe('a connection to NATS', { timeout: 60_000, concurrency: 2 }, () => {
  it('waits for a server that comes later', async () => {
    const port = await freePort()
    const waiting = Promise.withResolvers<undefined>()
    const logger = { ...quiet, warn: () => { waiting.resolve(undefined) }, child: () => logger } // prettier-ignore
    const connecting = connectNats(
      { servers: [`nats://127.0.0.1:${port}`], name: 'early', reconnect: true },
      { logger },
    )
    await waiting.promise
    await using server = await startNatsServer({ port })
    assert.ok(server)
    const connection = await connecting
    await connection.flush()
    await connection.close()
  })

  it('comes back with its subscriptions when the server does', async () => {
    await using server = await startNatsServer()
    const connection = await connectNats(
      { servers: [server.url], name: 'lasting', reconnect: true },
      { logger: quiet },
    )
    const heard = Promise.withResolvers<string>()
    connection.subscribe('a', {
      callback: (_, message) => {
        heard.resolve(message.string())
      },
    })
    const back = statusOf(connection, 'reconnect')
    await server.kill()
    await server.restart()
    await back
    connection.publish('a', 'hello')
    assert.equal(await heard.promise, 'hello')
    await connection.close()
  })

  it('hears itself', async () => {
    await using server = await startNatsServer()
    const connection = await connectNats(
      { servers: [server.url], name: 'echo', reconnect: false },
      { logger: quiet },
    )
    connection.subscribe('q', {
      callback: (_, message) => {
        message.respond('yes')
      },
    })
    assert.equal((await connection.request('q')).string(), 'yes')
    await connection.close()
  })

  it('ends with its first loss where it is not to come back', async () => {
    await using server = await startNatsServer()
    const connection = await connectNats(
      { servers: [server.url], name: 'once', reconnect: false },
      { logger: quiet },
    )
    const closed = connection.closed()
    await server.kill()
    await closed
    assert.equal(connection.isClosed(), true)
  })

  it('notices within seven seconds that the server stands still', async () => {
    await using server = await startNatsServer()
    const connection = await connectNats(
      { servers: [server.url], name: 'once', reconnect: false },
      { logger: quiet },
    )
    const startedAtMs = performance.now()
    const closed = connection.closed()
    server.pause()
    await closed
    server.resume()
    const tookMs = performance.now() - startedAtMs
    assert.ok(tookMs > 2000 && tookMs < 7500, `${tookMs} ms`)
  })

  it('crashes the process with what a subscriber throws', async () => {
    await using server = await startNatsServer()
    const script = `
      import { connect } from '@nats-io/transport-node'
      import { subscribe } from './subscribe.ts'
      const connection = await connect({ servers: '${server.url}' })
      subscribe(connection, 'a', () => { throw new Error('a bug') })
      connection.publish('a')
    `
    const args = ['--input-type=module-typescript', '--eval', script]
    const child = spawn(process.execPath, args, {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit') as Promise<[number]>])
    assert.equal(code, 1)
    assert.match(said, /a bug/)
  })
})

async function statusOf(
  connection: { status(): AsyncIterable<{ type: string }> },
  type: string,
): Promise<void> {
  for await (const status of connection.status()) if (status.type === type) return
}
