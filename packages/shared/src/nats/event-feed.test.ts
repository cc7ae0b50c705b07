import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { headers } from '@nats-io/transport-node'
import { startNatsServer } from '@timers/dev/nats-server.ts'
import { subjects } from '../subjects.ts'
import { quiet } from '../test/quiet.ts'
import { connectNats } from './connect.ts'
import { followEvents } from './event-feed.ts'
import { createLogReader, type LogMessage } from './log-reader.ts'

describe('the event feed', { timeout: 30_000 }, () => {
  it('brings the records of its partition as the log has them, and nothing that others publish', async () => {
    await using server = await startNatsServer()
    const options = { servers: [server.url], name: 'test', reconnect: false }
    const connection = await connectNats(options, { logger: quiet })
    try {
      const manager = await jetstreamManager(connection)
      for (const partition of [0, 1]) {
        await manager.streams.add({
          name: subjects.stream(partition),
          subjects: [subjects.log(partition)],
          allow_direct: true,
          republish: { src: subjects.log(partition), dest: subjects.events(partition) },
        })
      }
      const messages: LogMessage[] = []
      const feed = followEvents(0, { connection, onMessage: (message) => messages.push(message) })
      const publisher = jetstream(connection)
      connection.publish(subjects.events(0), 'without headers')
      const strange = headers()
      strange.set('Nats-Sequence', 'x')
      connection.publish(subjects.events(0), 'with others', { headers: strange })
      for (const text of ['a', 'b', 'c']) await publisher.publish(subjects.log(0), text)
      await publisher.publish(subjects.log(1), 'of another partition')
      await connection.flush()
      const inLog = await createLogReader({ connection }).read(0, 1, 10)
      assert.equal(inLog.length, 3)
      assert.deepEqual(messages.map(plain), inLog.map(plain))

      feed[Symbol.dispose]()
      await publisher.publish(subjects.log(0), 'd')
      await connection.flush()
      assert.equal(messages.length, 3)
    } finally {
      await connection.close()
    }
  })
})

function plain({ sequence, storedAtMs, data }: LogMessage): unknown {
  return { sequence, storedAtMs, data: Buffer.from(data).toString() }
}
