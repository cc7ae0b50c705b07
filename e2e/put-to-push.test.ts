// The main job: one PUT, seen everywhere. REST, server-sent events, socket, read model, MongoDB and the logs of the
// processes tell the same story, under the PUT's Request-Id.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MongoClient } from 'mongodb'
import { call, eventually, getTimer, startWorld, watchSocket, watchStream, type Viewer } from './world.ts'

const requestId = 'put-to-push-1'

test('a timer of 3 s is seen counting down and firing, and is found afterwards', async () => {
  await using world = await startWorld({ env: { LOG_LEVEL: 'debug' } })
  const { url, cluster } = world
  const put = await call(
    url,
    'PUT',
    '/v1/timers/tea',
    { durationMs: 3000, title: 'Tea' },
    { 'request-id': requestId },
  )
  assert.equal(put.status, 201)
  assert.equal(put.headers.get('request-id'), requestId)
  await using stream = await watchStream(url, 'timer=tea&tickMs=1000')
  await using socket = await watchSocket(url, { timerIds: ['tea'], tickMs: 1000 })

  for (const viewer of [stream, socket]) await seesItAll(viewer)

  const timer = await getTimer(url, 'tea')
  assert.equal(timer.state, 'completed')
  assert.equal(timer.version, 2)
  const latenessMs = Date.parse(timer.completedAt ?? '') - Date.parse(timer.deadline ?? '')
  assert.ok(latenessMs >= 0 && latenessMs < 1000, `${latenessMs} ms late`)

  // With the position of the last change a list waits for it.
  const listed = await eventually(async () => {
    const { body } = await call(url, 'GET', '/v1/timers?state=completed')
    return (body as { data: { id: string }[] }).data.find(({ id }) => id === 'tea')
  })
  assert.deepEqual(listed, timer)

  await using mongo = await new MongoClient(cluster.mongodbUri ?? '').connect()
  const document = await mongo.db().collection('timers').findOne({ timerId: 'tea' })
  assert.equal(document?.['state'], 'completed')
  const events = await mongo.db().collection('events').find({ timerId: 'tea' }).sort({ version: 1 }).toArray()
  assert.deepEqual(
    events.map((event) => [event['type'], event['version'], event['requestId']] as unknown[]),
    [
      ['created', 1, requestId],
      ['completed', 2, requestId],
    ],
  )
  for (const service of ['timer-api', 'timer-core']) {
    const logged = world.lines.filter(
      ({ name, line }) => name.startsWith(service) && line.includes(requestId),
    )
    assert.ok(logged.length > 0, `the log of ${service} tells the request`)
  }
})

async function seesItAll(viewer: Viewer): Promise<void> {
  const first = await viewer.find(({ type }) => type === 'snapshot' || type === 'ack')
  assert.equal(first.timers?.[0]?.state, 'running')
  const end = await viewer.find(({ cause }) => cause?.type === 'timer.completed')
  assert.equal(end.timer?.completedBy, 'fire')
  assert.equal(end.cause?.requestId, requestId)
  // A viewer that joined within the first second sees both; one that was slower at least the last.
  const ticks = viewer.told.filter(({ type }) => type === 'tick').map(({ remainingMs }) => remainingMs)
  assert.ok(ticks.length > 0, 'ticks came')
  assert.deepEqual(ticks, [2000, 1000].slice(-ticks.length))
}
