// What core's benches stand on: a real nats-server, a log that is appended to one event at a time (the floor), and
// whole nodes with the client that timer-api has of them. It measures nothing.

import { DiscardPolicy, jetstream, jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { startGuard } from '@timers/dev/guard.ts'
import { startNatsServer } from '@timers/dev/nats-server.ts'
import type { RealServer } from '@timers/dev/real-server.ts'
import { startService, type Service } from '@timers/dev/service.ts'
import { Directory } from '@timers/shared/cluster/directory.ts'
import type { CoreClient } from '@timers/shared/grpc/core-client.ts'
import { recordFormat } from '@timers/shared/log/record.ts'
import { openCoreClient } from '@timers/shared/grpc/open-core-client.ts'
import { connectNats } from '@timers/shared/nats/connect.ts'
import { followHeartbeats } from '@timers/shared/nats/heartbeats.ts'
import { createSystemClock } from '@timers/shared/system-clock.ts'
import { quiet } from '@timers/shared/test/quiet.ts'
import type { Command, Operation } from '@timers/shared/timer/command.ts'
import type { TimerEvent } from '@timers/shared/timer/event.ts'
import type { Done } from '@timers/shared/timer/results.ts'
import { encodeRecord } from '@timers/shared/wire/record-wire.ts'

/** 'always': fsync before each acknowledgement. */
export type Sync = 'lazy' | 'always'
export const syncs = ['lazy', 'always'] as const satisfies readonly Sync[]

export interface Broker extends AsyncDisposable {
  readonly nats: RealServer
  readonly connection: NatsConnection
}

export async function startBroker(sync: Sync): Promise<Broker> {
  await using stack = new AsyncDisposableStack()
  const nats = stack.use(await startNatsServer({ sync }))
  const options = { servers: [nats.url], name: 'bench', reconnect: true }
  const connection = await connectNats(options, { logger: quiet })
  stack.defer(() => connection.close())
  const owned = stack.move()
  return { nats, connection, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** A stream as a partition has one. The answer appends a record with one event, fenced, and awaits its PubAck. */
export async function openPlainLog({ connection }: Broker): Promise<(event: TimerEvent) => Promise<void>> {
  const manager = await jetstreamManager(connection)
  await manager.streams.add({
    name: 'PLAIN',
    subjects: ['plain'],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    max_bytes: 1024 ** 3,
    deny_delete: true,
    allow_direct: true,
    republish: { src: 'plain', dest: 'plain-feed' },
  })
  const client = jetstream(connection)
  let sequence = 0
  return async (event) => {
    const events = [{ ...event, session: '0123456789abcdef', n: sequence }]
    const bytes = encodeRecord({
      format: recordFormat,
      term: '0123456789abcdef',
      owner: 'bench',
      snapshotAt: 0,
      body: { kind: 'batch', nowMs: Date.now(), events },
    })
    const { seq } = await client.publish('plain', bytes, { expect: { lastSequence: sequence } })
    if (seq !== sequence + 1) throw new Error(`stored as ${seq}, not behind ${sequence}`)
    sequence = seq
  }
}

export interface Node extends Broker {
  readonly core: Service
  readonly client: CoreClient
}

/** A node that is alone and owns every partition. */
export async function startNode(options: { sync: Sync; partitionCount: number }): Promise<Node> {
  await using stack = new AsyncDisposableStack()
  const { sync, partitionCount } = options
  const { nats, connection } = stack.use(await startBroker(sync))
  const clock = createSystemClock()
  const directory = new Directory({ deadAfterMs: 1500 })
  stack.use(followHeartbeats({ connection, directory, clock, logger: quiet }))
  const guard = stack.use(startGuard())
  const env = { NATS_URL: nats.url, PARTITION_COUNT: String(partitionCount), LOG_LEVEL: 'warn' }
  const log = (line: string): void => {
    if (/"level":"(warn|error|fatal)"/.test(line)) console.error(line)
  }
  const core = stack.use(await startService({ role: 'timer-core', name: 'timer-core', env }, { guard, log }))
  const deps = { directory, clock, logger: quiet, random: Math.random }
  const client = stack.use(openCoreClient({ partitionCount }, deps))
  await new Promise<void>((resolve) => {
    const look = (): void => {
      const [live] = directory.live('timer-core', clock.monotonicMs())
      if (live?.owned.length === partitionCount) resolve()
    }
    stack.defer(directory.onChange(look))
    look()
  })
  const owned = stack.move()
  return { nats, connection, core, client, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

export const tenantId = 'default'

export function commandOf(timerId: string, operation: Operation): Command {
  const actor = { type: 'operator', id: 'local' } as const
  return { tenantId, timerId, operation, actor, requestId: 'req_0123456789abcdef_1' }
}

type Put = Extract<Operation, { op: 'put' }>
const plain = {
  op: 'put',
  autostart: true,
  title: '',
  labels: {},
  metadata: '',
  retentionMs: 86_400_000,
} as const

export function put(durationMs: number): Put {
  return { ...plain, durationMs }
}

export function putUntil(deadlineMs: number): Put {
  return { ...plain, deadlineMs }
}

/** All of them are done; anything else is a bug of the bench. */
export async function carryOut(client: CoreClient, commands: readonly Command[]): Promise<Done[]> {
  const results = await client.execute(commands, Date.now() + 30_000)
  return results.map((result) => {
    if (!result.ok) throw new Error(`A command was refused: ${JSON.stringify(result.refusal)}`)
    return result
  })
}

/** Calls `once` from this many lanes, each again and again until the time is over; how often a second it was done. */
export async function ratePerSecond(
  { lanes, forMs }: { lanes: number; forMs: number },
  once: () => Promise<unknown>,
): Promise<number> {
  const startMs = performance.now()
  let done = 0
  const lane = async (): Promise<void> => {
    while (performance.now() - startMs < forMs) {
      await once()
      done += 1
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return (done / (performance.now() - startMs)) * 1000
}
