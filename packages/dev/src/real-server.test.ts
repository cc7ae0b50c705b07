import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { test } from 'node:test'
import { startMongod } from './mongod.ts'
import { startNatsServer } from './nats-server.ts'

/** The first line that a server sends by itself; throws when nobody listens. */
function greeting(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', reject)
    socket.once('data', (data) => {
      socket.destroy()
      resolve(String(data))
    })
  })
}

test('nats-server: ready with JetStream, killed, restarted on its port, and gone with its folder', async () => {
  const server = await startNatsServer({ maxPayload: 600_000, sync: 'always' })
  const { pid, directory } = server
  {
    await using nats = server
    assert.match(await greeting(nats.port), /"jetstream":true/)
    assert.match(await greeting(nats.port), /"max_payload":600000/)
    await nats.kill()
    await assert.rejects(greeting(nats.port))
    assert.equal((await nats.process.exited).unexpected, false)
    await nats.restart()
    assert.notEqual(nats.pid, pid)
    assert.match(await greeting(nats.port), /^INFO /)
  }
  await assert.rejects(greeting(server.port))
  assert.equal(existsSync(directory), false)
})

test('a program that cannot start throws with its last lines', async () => {
  await using first = await startNatsServer()
  await assert.rejects(startNatsServer({ port: first.port }), /nats-server ended before it was ready[^]*bind/)
})

const noMongod = process.env['MONGOD'] === undefined && 'there is no mongod'
test('mongod: ready, and gone with its folder', { skip: noMongod }, async () => {
  const server = await startMongod()
  {
    await using mongod = server
    assert.equal(mongod.uri, `mongodb://127.0.0.1:${mongod.port}/timers`)
    assert.ok(existsSync(mongod.directory))
  }
  assert.equal(existsSync(server.directory), false)
})
