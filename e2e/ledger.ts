// A client's own record of what it asked and what it was answered, and the checker that holds the log, MongoDB and
// GET to it. Every request has an id of its own, so that the log tells exactly what became of it.

import assert from 'node:assert/strict'
import type { Cluster } from '@timers/dev/cluster.ts'
import { TermFilter } from '@timers/shared/log/term-filter.ts'
import { createLogger } from '@timers/shared/logger.ts'
import { readClusterRecord } from '@timers/shared/nats/cluster-record.ts'
import { connectNats } from '@timers/shared/nats/connect.ts'
import { createLogReader } from '@timers/shared/nats/log-reader.ts'
import { eventId, type LoggedEvent } from '@timers/shared/timer/event.ts'
import type { TimerJson } from '@timers/shared/timer/timer-json.ts'
import { decodeRecord } from '@timers/shared/wire/record-wire.ts'
import { MongoClient } from 'mongodb'
import { call, eventually, getTimer } from './world.ts'

export interface Entry {
  readonly requestId: string
  readonly timerId: string
  readonly op: 'put' | 'add' | 'pause' | 'start' | 'delete'
  /** unknown: no answer, or one that says so. */
  readonly outcome:
    { readonly kind: 'done'; readonly version: number } | { readonly kind: 'refused' | 'unknown' }
}

/** These make an event whenever they are done. */
const alwaysChanges: ReadonlySet<Entry['op']> = new Set(['put', 'add', 'delete'])

export class Ledger {
  readonly entries: Entry[] = []
  readonly statuses = new Map<number, number>()
  #requests = 0

  async send(url: string, timerId: string, op: Entry['op'], body?: unknown): Promise<void> {
    this.#requests += 1
    const requestId = `ledger-${this.#requests}`
    const path = `/v1/timers/${timerId}${op === 'put' || op === 'delete' ? '' : `/${op}`}`
    const method = op === 'put' ? 'PUT' : op === 'delete' ? 'DELETE' : 'POST'
    let outcome: Entry['outcome'] = { kind: 'unknown' }
    try {
      const answer = await call(url, method, path, body, { 'request-id': requestId })
      this.statuses.set(answer.status, (this.statuses.get(answer.status) ?? 0) + 1)
      // What a 204 made has no body and no tag: its version is not told.
      if (answer.status === 204) outcome = { kind: 'done', version: 0 }
      else if (answer.status < 300) outcome = { kind: 'done', version: (answer.body as TimerJson).version }
      else if (answer.status < 504 && answer.status !== 502 && answer.status !== 500)
        outcome = { kind: 'refused' }
    } catch {
      this.statuses.set(0, (this.statuses.get(0) ?? 0) + 1)
    }
    this.entries.push({ requestId, timerId, op, outcome })
  }
}

/** Throws an AssertionError that names what is lost, doubled, early, or different in two places. */
export async function check(ledger: Ledger, cluster: Cluster): Promise<{ events: number; fired: number }> {
  const log = await readWholeLog(cluster.natsUrl)
  checkAnswers(ledger, log)
  const timers = checkHistories(log)
  await checkGets(timers, cluster.frontDoor.url)
  await checkMongo(timers, log, cluster.mongodbUri ?? '')
  return { events: log.length, fired: log.filter(isFiring).length }
}

function isFiring({ type, cause }: LoggedEvent): boolean {
  return type === 'completed' && cause.actor.type === 'clock'
}

async function readWholeLog(natsUrl: string): Promise<LoggedEvent[]> {
  const logger = createLogger({ role: 'checker', name: 'checker', level: 'silent' })
  const connection = await connectNats({ servers: [natsUrl], name: 'checker', reconnect: true }, { logger })
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
          const decoded = decodeRecord(data)
          if (!filter.admits(decoded) || decoded.body.kind !== 'batch') continue
          const occurredAtMs = decoded.body.nowMs
          for (const [index, event] of decoded.body.events.entries()) {
            events.push({ ...event, partition, sequence, index, occurredAtMs })
          }
        }
      }
    }
    return events
  } finally {
    await connection.close()
  }
}

/** Acknowledged is there, once; refused is not there; unknown may be either, once. */
function checkAnswers({ entries }: Ledger, log: readonly LoggedEvent[]): void {
  const byRequest = Map.groupBy(
    log.filter(({ cause }) => cause.actor.type !== 'clock'),
    ({ cause }) => cause.requestId,
  )
  for (const entry of entries) {
    const made = byRequest.get(entry.requestId) ?? []
    const what = JSON.stringify(entry)
    assert.ok(made.length <= 1, `applied ${made.length} times: ${what}`)
    const [event] = made
    if (entry.outcome.kind === 'refused') assert.equal(event, undefined, `refused and applied: ${what}`)
    if (entry.outcome.kind !== 'done') continue
    if (alwaysChanges.has(entry.op)) assert.ok(event, `acknowledged and lost: ${what}`)
    if (event !== undefined && entry.outcome.version > 0) {
      // A put of 0 left or into the past may have fired in the same record.
      assert.ok(
        entry.outcome.version - event.timer.version <= 1,
        `answered ${what}, made ${event.timer.version}`,
      )
    }
  }
}

/** By timer its newest event. Versions grow by one, firings are never early and never follow each other. */
function checkHistories(log: readonly LoggedEvent[]): Map<string, LoggedEvent> {
  const newest = new Map<string, LoggedEvent>()
  for (const event of log) {
    const { timer } = event
    const before = newest.get(timer.timerId)
    const what = `${timer.timerId} version ${timer.version}`
    if (before !== undefined && before.type !== 'deleted')
      assert.equal(timer.version, before.timer.version + 1, what)
    else if (before !== undefined) assert.ok(timer.version > before.timer.version, what)
    if (isFiring(event)) {
      assert.ok(timer.state === 'completed' && timer.completedAtMs >= timer.deadlineMs, `early: ${what}`)
      assert.equal(before?.timer.state, 'running', `fired without running: ${what}`)
    }
    newest.set(timer.timerId, event)
  }
  return newest
}

async function checkGets(timers: ReadonlyMap<string, LoggedEvent>, url: string): Promise<void> {
  for (const [timerId, { type, timer, occurredAtMs }] of timers) {
    if (type === 'deleted') {
      const { status } = await call(url, 'GET', `/v1/timers/${timerId}`)
      assert.equal(status, 404, timerId)
      continue
    }
    const told = await getTimer(url, timerId)
    // It may have fired since the log was read.
    if (told.version !== timer.version)
      assert.ok(timer.state === 'running' && told.completedBy === 'fire', timerId)
    else assert.equal(told.state, timer.state, timerId)
    if (told.state === 'running') {
      assert.ok(
        Date.parse(told.deadline ?? '') > Date.now() - 2000,
        `due and not fired: ${timerId} since ${occurredAtMs}`,
      )
    }
  }
}

/** The read model catches up with the log: the newest of each, and every event in the audit, once. */
async function checkMongo(
  timers: ReadonlyMap<string, LoggedEvent>,
  log: readonly LoggedEvent[],
  uri: string,
): Promise<void> {
  await using mongo = await new MongoClient(uri).connect()
  const ids = log.map(eventId)
  await eventually(async () => {
    const audited = new Set(
      (
        await mongo
          .db()
          .collection('events')
          .find({}, { projection: { _id: 1 } })
          .toArray()
      ).map(({ _id }) => String(_id)),
    )
    const missing = ids.filter((id) => !audited.has(id))
    assert.deepEqual(missing, [], 'events that the audit lacks')
    return true
  }, 30_000)
  const documents = await mongo.db().collection('timers').find().toArray()
  const byId = new Map(documents.map((document) => [String(document['timerId']), document]))
  for (const [timerId, { type, timer }] of timers) {
    const document = byId.get(timerId)
    assert.ok(document, `MongoDB lacks ${timerId}`)
    assert.ok(
      Number(document['version']) >= timer.version,
      `MongoDB has ${String(document['version'])} of ${timerId}`,
    )
    if (document['version'] === timer.version) assert.equal(document['deleted'], type === 'deleted', timerId)
  }
}
