// How many frames a second reach viewers over real sockets: the gateway's fan-out against one
// JSON.stringify and one ws.send per update and viewer. Viewers are another process, on raw sockets.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { WebSocketServer, type WebSocket } from 'ws'
import { bench } from '@timers/dev/bench-kit.ts'
import type { RecordEvent } from '@timers/shared/log/record.ts'
import { createSystemClock } from '@timers/shared/system-clock.ts'
import { eventTypeName } from '@timers/shared/timer/event-json.ts'
import { timerToJson } from '@timers/shared/timer/timer-json.ts'
import type { ScanPage } from '@timers/shared/timer/results.ts'
import { Hub } from '../src/fanout/hub.ts'
import { gatewayLimits } from '../src/fanout/limits.ts'
import type { FeedListener, ScanRequest } from '../src/fanout/ports.ts'
import { SocketServer } from '../src/ws/server.ts'
import type { ViewersJob, ViewersNews } from './bench-viewers.ts'
import { batchOf, eventOf, makeTimer, tenantId } from './world.ts'

const viewers = 1000
const timersEach = 20
const timers = 1000
const rounds = 30
/** The floor is slow: its rate is as plain after fewer. */
const floorRounds = 4
/** Events in a record: what core's batches hold when there is much to do. */
const eventsARecord = 50

interface Edge extends AsyncDisposable {
  readonly port: number
  /** Frames that a viewer gets before the first update. */
  readonly greetings: number
  /** Sends a round of updates; resolves when it has been handed to the sockets. */
  update(events: readonly RecordEvent[]): Promise<void>
}

async function startOurs(): Promise<Edge> {
  let feed: FeedListener | undefined
  let sequence = 1
  const none = { [Symbol.dispose]: () => undefined }
  const hub = new Hub(
    { dataId: 'data', partitionCount: 1, limits: gatewayLimits },
    {
      clock: createSystemClock(),
      random: Math.random,
      feed: {
        follow(_, listener) {
          feed = listener
          return none
        },
        followTenants: () => none,
        flushed: () => Promise.resolve(),
      },
      log: { read: () => Promise.resolve([]) },
      core: { scan },
      ticks: { follow: () => none, watch: () => undefined },
      directory: { sequenceOf: () => undefined, ownerHeardAtMs: () => performance.now() },
      report: { warn: () => undefined },
    },
  )
  async function* scan({ selection }: ScanRequest): AsyncGenerator<ScanPage, void, void> {
    await turn()
    const ids = 'timerIds' in selection ? selection.timerIds : []
    yield {
      partition: 0,
      sequence,
      term: 'term',
      timers: ids.map((id) => makeTimer(id, 1, 'running')),
      more: false,
    }
  }
  const http = createServer()
  const sockets = new SocketServer(
    { dataId: 'data', tenantId, limits: gatewayLimits, actor: { type: 'operator', id: 'local' } },
    {
      clock: createSystemClock(),
      hub,
      core: { execute: () => Promise.resolve([]) },
      logger: {
        debug: () => undefined,
        info: () => undefined,
        warn: () => undefined,
        error: () => undefined,
        child: () => {
          throw new Error('no child')
        },
      },
      check: () => undefined,
      newConnectionId: () => 'con',
      onBadHandshake: (_, socket) => socket.destroy(),
    },
  )
  http.on('upgrade', sockets.upgrade)
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  return {
    port: (http.address() as AddressInfo).port,
    greetings: 2,
    async update(events) {
      for (let from = 0; from < events.length; from += eventsARecord) {
        sequence += 1
        feed?.onRecord(sequence, batchOf('term', ...events.slice(from, from + eventsARecord)))
      }
      await turn()
    },
    async [Symbol.asyncDispose]() {
      hub[Symbol.dispose]()
      sockets.terminate()
      http.close()
      await once(http, 'close')
    },
  }
}

async function startFloor(): Promise<Edge> {
  const watching = new Map<string, Set<WebSocket>>()
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  server.on('connection', (socket) => {
    socket.on('message', (data) => {
      const { timerIds } = JSON.parse((data as Buffer).toString()) as { timerIds: string[] }
      for (const id of timerIds) {
        const there = watching.get(id) ?? new Set()
        there.add(socket)
        watching.set(id, there)
      }
      socket.send('{"type":"ack"}')
    })
  })
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    greetings: 1,
    async update(events) {
      for (const { type, timer, cause } of events) {
        for (const socket of watching.get(timer.timerId) ?? []) {
          socket.send(
            JSON.stringify({
              type: 'timer',
              at: new Date().toISOString(),
              timer: timerToJson(timer),
              cause: { type: eventTypeName(type), actor: cause.actor, requestId: cause.requestId },
            }),
          )
        }
      }
      await turn()
    },
    async [Symbol.asyncDispose]() {
      for (const client of server.clients) client.terminate()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Each viewer's timers; a round updates all timers, `updatesATurn` of them at a time. */
interface Workload {
  readonly subscribes: readonly string[]
  readonly updatesATurn: number
  readonly rounds: number
}

async function run(start: () => Promise<Edge>, { subscribes, updatesATurn, rounds }: Workload) {
  await using edge = await start()
  const child = fork(new URL('./bench-viewers.ts', import.meta.url))
  const watched = subscribes.map((text) => (JSON.parse(text) as { timerIds: string[] }).timerIds)
  const framesARound = watched.reduce((sum, ids) => sum + ids.length, 0)
  let arrived = 0
  let news = Promise.withResolvers<undefined>()
  const joined = Promise.withResolvers<undefined>()
  child.on('message', (message) => {
    const told = message as ViewersNews
    if ('joined' in told) joined.resolve(undefined)
    else {
      arrived = told.frames
      news.resolve(undefined)
      news = Promise.withResolvers()
    }
  })
  const job: ViewersJob = { port: edge.port, subscribes, greetings: edge.greetings, tellEvery: framesARound }
  child.send(job)
  await joined.promise

  const ids = [...new Set(watched.flat())]
  const updates = Array.from({ length: rounds }, (_, round) =>
    ids.map((id) => eventOf('updated', makeTimer(id, round + 2, 'running'))),
  )
  const cpu = process.cpuUsage()
  const startedMs = performance.now()
  for (const [round, events] of updates.entries()) {
    for (let from = 0; from < events.length; from += updatesATurn)
      await edge.update(events.slice(from, from + updatesATurn))
    // At most two rounds under way, so that nothing is replaced because it was not sent yet.
    while (arrived < round * framesARound) await news.promise
  }
  while (arrived < rounds * framesARound) await news.promise
  const tookS = (performance.now() - startedMs) / 1000
  const { user, system } = process.cpuUsage(cpu)
  child.disconnect()
  await once(child, 'exit')
  const frames = rounds * framesARound
  return { frames: frames / tookS, framesPerCpuSecond: frames / ((user + system) / 1e6) }
}

/** A fixed sequence of numbers below `below`, so that every run has the same viewers. */
function* numbers(below: number): Generator<number, never, void> {
  for (let state = 12_345; ;) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    yield (state >>> 8) % below
  }
}

function subscribeTo(timerIds: Iterable<number>): string {
  return JSON.stringify({
    type: 'subscribe',
    requestId: 'r',
    timerIds: [...timerIds].map((n) => `timer-${n}`),
  })
}

const next = numbers(timers)
const scattered = Array.from({ length: viewers }, () => {
  const own = new Set<number>()
  while (own.size < timersEach) own.add(next.next().value)
  return subscribeTo(own)
})
const alike = Array.from({ length: viewers }, () => subscribeTo(Array(timersEach).keys()))

const shown = {
  frames: { unit: 'frames/s', goal: { of: 'ratio', is: '≥', value: 10 } },
  framesPerCpuSecond: { unit: 'frames/s of CPU' },
} as const
const only = { frames: { unit: 'frames/s' }, framesPerCpuSecond: { unit: 'frames/s of CPU' } } as const

const whole = { subscribes: scattered, updatesATurn: timers, rounds }
await bench({
  name: 'fanout',
  rows: shown,
  ours: () => run(startOurs, whole),
  floor: () => run(startFloor, { ...whole, rounds: floorRounds }),
})

const shared = { subscribes: alike, updatesATurn: timersEach, rounds }
await bench({
  name: 'fanout.alike',
  rows: only,
  ours: () => run(startOurs, shared),
  floor: () => run(startFloor, { ...shared, rounds: floorRounds }),
})

const single = { subscribes: alike, updatesATurn: 1, rounds: floorRounds }
await bench({
  name: 'fanout.single',
  rows: only,
  ours: () => run(startOurs, single),
  floor: () => run(startFloor, single),
})
