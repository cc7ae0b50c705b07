// The main job: one PUT, seen everywhere. REST, server-sent events, socket, read model, MongoDB and the logs of the
// processes tell the same story, under the PUT's Request-Id.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventJson } from '@timers/shared/timer/event-json.ts'
import type { TimerJson } from '@timers/shared/timer/timer-json.ts'
import { MongoClient } from 'mongodb'
import type { EventDocument } from '../apps/persistence/src/mongo/documents.ts'
import { call, eventually, getTimer, startWorld, watchSocket, watchStream, type Viewer } from './world.ts'

const requestId = 'put-to-push-1'
const durationMs = 3000

test('a timer of 3 s is seen counting down and firing, and is found afterwards', async () => {
  await using world = await startWorld({ env: { LOG_LEVEL: 'debug' } })
  const { url, cluster } = world
  // One viewer is there before the timer is, one comes while it runs.
  await using stream = await watchStream(url, 'timer=tea&tickMs=1000')
  const first = await stream.find(({ type }) => type === 'snapshot')
  assert.deepEqual(first.missing, ['tea'])
  const body = { durationMs, title: 'Tea' }
  const put = await call(url, 'PUT', '/v1/timers/tea', body, { 'request-id': requestId })
  await using socket = await watchSocket(url, { timerIds: ['tea'], tickMs: 1000 })
  assert.equal(put.status, 201)
  assert.equal(put.headers.get('request-id'), requestId)
  const created = put.body as TimerJson
  const deadlineMs = Date.parse(created.deadline ?? '')
  assert.equal(deadlineMs - Date.parse(created.createdAt), durationMs)

  await seesItFire(stream, created)
  await seesItFire(socket, created)
  const ack = await socket.find(({ type }) => type === 'ack')
  assert.deepEqual(ack.timers, [created])
  const changes = stream.told.filter(({ type }) => type === 'timer')
  assert.deepEqual(
    changes.map(({ cause, timer }) => [cause?.type, cause?.requestId, timer?.version]),
    [
      ['timer.created', requestId, 1],
      ['timer.completed', requestId, 2],
    ],
  )
  assert.deepEqual(ticksOf(stream), [2000, 1000])
  // It came later, and sees at least what was left then.
  assert.deepEqual(ticksOf(socket), [2000, 1000].slice(-ticksOf(socket).length || 2))

  const timer = await getTimer(url, 'tea')
  assert.deepEqual([timer.state, timer.version], ['completed', 2])
  const latenessMs = Date.parse(timer.completedAt ?? '') - deadlineMs
  assert.ok(latenessMs >= 0 && latenessMs < 1000, `${latenessMs} ms late`)

  const listed = await eventually(async () => {
    const { body } = await call(url, 'GET', '/v1/timers?state=completed')
    return (body as { data: { id: string }[] }).data.find(({ id }) => id === 'tea')
  })
  assert.deepEqual(listed, timer)
  const history = [
    ['created', 1, requestId, 'operator'],
    ['completed', 2, requestId, 'clock'],
  ]
  await using mongo = await new MongoClient(cluster.mongodbUri ?? '').connect()
  const document = await mongo.db().collection('timers').findOne({ timerId: 'tea' })
  assert.deepEqual([document?.['state'], document?.['deadlineMs']], ['completed', deadlineMs])
  const audit = mongo.db().collection<EventDocument>('events').find({ timerId: 'tea' })
  const events = await audit.sort({ partition: 1, sequence: 1, index: 1 }).toArray()
  assert.deepEqual(
    events.map(({ type, version, requestId, actor }) => [type, version, requestId, actor.type]),
    history,
  )
  const told = await call(url, 'GET', '/v1/timers/tea/events')
  assert.deepEqual(
    (told.body as { data: EventJson[] }).data.map(({ type, version, requestId, actor }) => [
      type.slice('timer.'.length),
      version,
      requestId,
      actor.type,
    ]),
    history,
  )
  const logged = world.lines.filter(({ name, line }) => name === 'timer-api' && line.includes(requestId))
  assert.ok(logged.length > 0, 'the log of timer-api tells the request')
})

async function seesItFire(viewer: Viewer, created: TimerJson): Promise<void> {
  const { timer, cause } = await viewer.find(({ cause }) => cause?.type === 'timer.completed')
  assert.deepEqual([timer?.state, timer?.completedBy, timer?.version], ['completed', 'fire', 2])
  assert.equal(timer?.deadline, created.deadline)
  assert.equal(cause?.requestId, requestId)
  for (const { type, at, remainingMs = 0, version } of viewer.told) {
    if (type !== 'tick') continue
    const lateMs = Date.parse(at) - (Date.parse(created.deadline ?? '') - remainingMs)
    assert.ok(lateMs >= 0 && lateMs < 1000, `the tick of ${remainingMs} came ${lateMs} ms late`)
    assert.equal(version, 1)
  }
}

function ticksOf({ told }: Viewer): unknown[] {
  return told.filter(({ type }) => type === 'tick').map(({ remainingMs }) => remainingMs)
}
