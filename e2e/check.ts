// Holds a ledger against what the service keeps: the log, GET, MongoDB and its audit. Whatever happened, what was
// acknowledged is there, nothing is there twice, and what was refused is not there.

import assert from 'node:assert/strict'
import type { Cluster } from '@timers/dev/cluster.ts'
import { TermFilter } from '@timers/shared/log/term-filter.ts'
import { readClusterRecord } from '@timers/shared/nats/cluster-record.ts'
import { connectNats } from '@timers/shared/nats/connect.ts'
import { createLogReader } from '@timers/shared/nats/log-reader.ts'
import { quiet } from '@timers/shared/test/quiet.ts'
import { eventId, type LoggedEvent } from '@timers/shared/timer/event.ts'
import { timerToJson } from '@timers/shared/timer/timer-json.ts'
import { decodeRecord } from '@timers/shared/wire/record-wire.ts'
import { MongoClient } from 'mongodb'
import {
  toEvent,
  toTimer,
  type EventDocument,
  type TimerDocument,
} from '../apps/persistence/src/mongo/documents.ts'
import type { Ledger } from './ledger.ts'
import { call, eventually } from './world.ts'

const readersAtOnce = 50

export interface Checked {
  readonly events: readonly LoggedEvent[]
  /** The newest event of each timer. */
  readonly newest: ReadonlyMap<string, LoggedEvent>
  /** Of each firing, from the deadline, by timer. */
  readonly lateness: readonly { readonly timerId: string; readonly ms: number }[]
}

/**
 * To be called when nothing is sent any more, and no timer runs long. Throws what is wrong; what is only late has
 * `patienceMs` to come.
 */
export async function check(ledger: Ledger, cluster: Cluster, patienceMs = 20_000): Promise<Checked> {
  assert.deepEqual(ledger.stale, [], 'stale reads')
  const events = await eventually(async () => {
    const log = await readWholeLog(cluster.natsUrl)
    const running = [...newestOf(log).values()].filter(({ timer }) => timer.state === 'running')
    assert.deepEqual(
      running.filter(({ type }) => type !== 'deleted').map(({ timer }) => timer.timerId),
      [],
      'these have not fired',
    )
    return log
  }, patienceMs)
  const newest = newestOf(events)
  checkVersions(events)
  checkFirings(events)
  checkEntries(ledger, events)
  await checkReads(newest, cluster.frontDoor.url)
  await checkReadModel(events, newest, cluster.mongodbUri ?? '')
  const lateness = events
    .filter(isFiring)
    .map(({ timer }) => ({ timerId: timer.timerId, ms: latenessOf(timer) }))
  return { events, newest, lateness }
}

/** All events that count, each partition's in order. */
export async function readWholeLog(natsUrl: string): Promise<LoggedEvent[]> {
  const servers = natsUrl.split(',')
  const connection = await connectNats({ servers, name: 'checker', reconnect: true }, { logger: quiet })
  try {
    const reader = createLogReader({ connection })
    const record = await readClusterRecord(connection)
    const events: LoggedEvent[] = []
    for (let partition = 0; partition < (record?.partitionCount ?? 0); partition += 1) {
      const filter = new TermFilter(undefined)
      const { last } = await reader.ends(partition)
      for (let next = 1; next <= last;) {
        for (const { sequence, data } of await reader.read(partition, next, 500)) {
          next = sequence + 1
          const { body, ...rest } = decodeRecord(data)
          if (!filter.admits({ ...rest, body }) || body.kind !== 'batch') continue
          for (const [index, { type, timer, cause }] of body.events.entries()) {
            events.push({ partition, sequence, index, occurredAtMs: body.nowMs, type, timer, cause })
          }
        }
      }
    }
    return events
  } finally {
    await connection.close()
  }
}

function newestOf(events: readonly LoggedEvent[]): Map<string, LoggedEvent> {
  return new Map(events.map((event) => [event.timer.timerId, event]))
}

export function isFiring({ cause }: LoggedEvent): boolean {
  return cause.actor.type === 'clock'
}

function latenessOf(timer: LoggedEvent['timer']): number {
  assert.ok(timer.state === 'completed')
  return timer.completedAtMs - timer.deadlineMs
}

/** They grow by one, and over a deletion never repeat. */
function checkVersions(events: readonly LoggedEvent[]): void {
  const before = new Map<string, LoggedEvent>()
  for (const event of events) {
    const { timerId, version } = event.timer
    const last = before.get(timerId)
    if (last === undefined || last.type === 'deleted') {
      assert.equal(event.type, 'created', timerId)
      assert.ok(version > (last?.timer.version ?? 0), `${timerId} has version ${version} again`)
    } else assert.equal(version, last.timer.version + 1, timerId)
    before.set(timerId, event)
  }
}

/** Each fires once each time it runs out, and not before its time. */
export function checkFirings(events: readonly LoggedEvent[]): void {
  const dueAtMs = new Map<string, number | undefined>()
  for (const event of events) {
    const { timer, type, occurredAtMs } = event
    if (isFiring(event)) {
      const deadlineMs = dueAtMs.get(timer.timerId)
      assert.ok(deadlineMs !== undefined, `${timer.timerId} fired while it did not run`)
      assert.ok(timer.state === 'completed' && timer.completedBy === 'fire')
      assert.equal(timer.deadlineMs, deadlineMs)
      const firedAtMs = Math.min(timer.completedAtMs, occurredAtMs)
      assert.ok(firedAtMs >= deadlineMs, `${timer.timerId} fired ${deadlineMs - firedAtMs} ms early`)
    }
    const runs = timer.state === 'running' && type !== 'deleted'
    dueAtMs.set(timer.timerId, runs ? timer.deadlineMs : undefined)
  }
}

function checkEntries({ entries }: Ledger, events: readonly LoggedEvent[]): void {
  const byRequest = Map.groupBy(
    events.filter((event) => !isFiring(event)),
    ({ cause, timer }) => `${cause.requestId} ${timer.timerId}`,
  )
  const byVersion = new Map(events.map((event) => [`${event.timer.timerId} ${event.timer.version}`, event]))
  for (const { requestId, timerId, op, outcome } of entries) {
    const key = `${requestId} ${timerId}`
    const made = byRequest.get(key) ?? []
    byRequest.delete(key)
    const [own] = made
    const what = `${op} ${timerId} (${requestId}) was told ${JSON.stringify(outcome)}`
    assert.ok(made.length <= 1, `applied ${made.length} times: ${what}`)
    if (outcome.kind === 'refused') {
      assert.equal(own, undefined, `refused and applied: ${what}`)
      assert.notEqual(outcome.code, 'internal', what)
    }
    if (outcome.kind !== 'done') continue
    if (own !== undefined) {
      const position = `${own.partition}-${own.sequence}`
      assert.equal(position, outcome.position ?? position, what)
    } else assert.ok(op === 'pause' || op === 'start', `acknowledged and lost: ${what}`)
    if (outcome.timer === undefined) {
      assert.equal(own?.type, 'deleted', what)
      continue
    }
    const { version } = outcome.timer
    const told = byVersion.get(`${timerId} ${version}`)
    assert.ok(told !== undefined, `acknowledged and lost: ${what}`)
    assert.deepEqual(timerToJson(told.timer), outcome.timer, what)
    assert.ok(own === undefined || own.timer.version === version, what)
  }
  assert.deepEqual([...byRequest.keys()], [], 'in the log is what nobody asked for')
}

/** GET of each timer is what the log says last. */
async function checkReads(newest: ReadonlyMap<string, LoggedEvent>, url: string): Promise<void> {
  const left = [...newest]
  const readRest = async (): Promise<void> => {
    for (let one = left.pop(); one !== undefined; one = left.pop()) {
      const [timerId, { type, timer }] = one
      const { status, body } = await call(url, 'GET', `/v1/timers/${timerId}`)
      assert.equal(status, type === 'deleted' ? 404 : 200, `GET ${timerId}`)
      if (status === 200) assert.deepEqual(body, timerToJson(timer))
    }
  }
  await Promise.all(Array.from({ length: readersAtOnce }, readRest))
}

/** MongoDB comes to have the newest of each, and every event once, just as the log has them. */
async function checkReadModel(
  events: readonly LoggedEvent[],
  newest: ReadonlyMap<string, LoggedEvent>,
  uri: string,
): Promise<void> {
  await using mongo = await new MongoClient(uri).connect()
  await eventually(async () => {
    const documents = await mongo.db().collection<TimerDocument>('timers').find().toArray()
    const kept = new Map(documents.map((document) => [document.timerId, document]))
    assert.deepEqual(
      [...newest.keys()].filter((timerId) => !kept.has(timerId)),
      [],
      'timers MongoDB lacks',
    )
    assert.equal(documents.length, newest.size)
    for (const { timer, type } of newest.values()) {
      const document = kept.get(timer.timerId)
      assert.ok(document)
      assert.deepEqual(toTimer(document), timer)
      assert.equal(document.deleted, type === 'deleted', timer.timerId)
    }
    return true
  }, 30_000)
  await eventually(async () => {
    const documents = await mongo.db().collection<EventDocument>('events').find().toArray()
    const audit = new Map(documents.map((document) => [document._id, document]))
    const missing = events.map(eventId).filter((id) => !audit.has(id))
    assert.deepEqual(missing, [], 'events the audit lacks')
    assert.equal(documents.length, events.length)
    for (const event of events) {
      const document = audit.get(eventId(event))
      assert.ok(document)
      assert.deepEqual(toEvent(document), event)
    }
    return true
  }, 30_000)
}
