// Partitions on a real nats-server, each on a connection of its own, as if on nodes of their own: what stands
// around them in the service (placement, gRPC) is the test's part. And the log, as every reader has to read it.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { startNatsServer } from '@timers/dev/nats-server.ts'
import type { RealServer } from '@timers/dev/real-server.ts'
import type { Clock } from '@timers/shared/clock.ts'
import { recordFormat, type LogRecord, type RecordEvent } from '@timers/shared/log/record.ts'
import { TermFilter } from '@timers/shared/log/term-filter.ts'
import type { ClusterRecord } from '@timers/shared/nats/cluster-record.ts'
import { connectNats } from '@timers/shared/nats/connect.ts'
import { followEvents } from '@timers/shared/nats/event-feed.ts'
import { createLogReader, type LogReader } from '@timers/shared/nats/log-reader.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import { subjects } from '@timers/shared/subjects.ts'
import { createSystemClock } from '@timers/shared/system-clock.ts'
import { quiet } from '@timers/shared/test/quiet.ts'
import type { Command, Operation, SentCommand } from '@timers/shared/timer/command.ts'
import type { CommandResult, Done } from '@timers/shared/timer/results.ts'
import { decodeRecord, encodeRecord } from '@timers/shared/wire/record-wire.ts'
import { createPacking } from '@timers/shared/wire/timer-wire.ts'
import { ensureCluster } from '../src/nats/cluster-setup.ts'
import { EventLogs } from '../src/nats/event-log.ts'
import { LogConnection } from '../src/nats/log-connection.ts'
import { createSnapshotParts } from '../src/nats/snapshot-store.ts'
import type { GroupOutcome } from '../src/partition/mailbox.ts'
import { Partition } from '../src/partition/partition.ts'
import { Turns } from '../src/partition/turns.ts'
import type { SnapshotParts } from '../src/snapshot/keeper.ts'
import { Link } from './link.ts'

export const partitionCount = 32
export const tenantId = 'default'

/** An event that counts, and the record it is in. */
export interface Counted extends RecordEvent {
  readonly sequence: number
  readonly nowMs: number
  readonly owner: string
}

export class World implements AsyncDisposable {
  /** May be changed before a node is made. */
  snapshots: SnapshotParts
  readonly nats: RealServer
  readonly connection: NatsConnection
  readonly cluster: ClusterRecord
  readonly #reader: LogReader
  readonly #stack: AsyncDisposableStack

  private constructor(parts: Pick<World, 'nats' | 'connection' | 'cluster'>, stack: AsyncDisposableStack) {
    this.nats = parts.nats
    this.connection = parts.connection
    this.cluster = parts.cluster
    this.snapshots = createSnapshotParts(parts.cluster, parts)
    this.#reader = createLogReader({ connection: parts.connection })
    this.#stack = stack
  }

  static async start(): Promise<World> {
    await using stack = new AsyncDisposableStack()
    const nats = stack.use(await startNatsServer())
    const connection = await connectNats(
      { servers: [nats.url], name: 'test', reconnect: true },
      { logger: quiet },
    )
    stack.defer(() => connection.close())
    const cluster = await ensureCluster({ partitionCount, replicas: 1 }, { connection, logger: quiet })
    return new World({ nats, connection, cluster }, stack.move())
  }

  /** A node of this name with this one partition; it owns nothing before acquire(). */
  async node(name: string, partition: number, clock: Clock = createSystemClock()): Promise<Node> {
    return await Node.start(name, partition, clock, this)
  }

  async records(partition: number): Promise<{ readonly sequence: number; readonly record: LogRecord }[]> {
    const { first, last } = await this.#reader.ends(partition)
    const records: { sequence: number; record: LogRecord }[] = []
    for (let next = first; next <= last;) {
      const messages = await this.#reader.read(partition, next, 500)
      assert.ok(messages.length > 0, `the log ends at ${next}, not at ${last}`)
      for (const { sequence, data } of messages) records.push({ sequence, record: decodeRecord(data) })
      next += messages.length
    }
    return records
  }

  /** All events that count, in order. */
  async events(partition: number): Promise<Counted[]> {
    const filter = new TermFilter(undefined)
    return (await this.records(partition)).flatMap(({ sequence, record }) => {
      const { body, owner } = record
      if (!filter.admits(record) || body.kind !== 'batch') return []
      return body.events.map((event) => ({ ...event, sequence, nowMs: body.nowMs, owner }))
    })
  }

  async last(partition: number): Promise<number> {
    return (await this.#reader.ends(partition)).last
  }

  /** From now on: `stored` resolves with the sequence of the next record that this partition's log gets. */
  async watch(partition: number): Promise<{ readonly stored: Promise<number> }> {
    const stored = Promise.withResolvers<number>()
    const feed = followEvents(partition, {
      connection: this.connection,
      onMessage: ({ sequence }) => {
        feed[Symbol.dispose]()
        stored.resolve(sequence)
      },
    })
    await this.connection.flush()
    return { stored: stored.promise }
  }

  /** As whoever has no part in the fence. */
  async append(partition: number, record: LogRecord | Uint8Array): Promise<void> {
    const bytes = record instanceof Uint8Array ? record : encodeRecord(record)
    await this.connection.request(subjects.log(partition), bytes, { timeout: 5000 })
  }

  async setMaxBytes(partition: number, maxBytes: number): Promise<void> {
    await (await this.#streams()).update(subjects.stream(partition), { max_bytes: maxBytes })
  }

  /** What its stream holds. */
  async bytes(partition: number): Promise<number> {
    return (await (await this.#streams()).info(subjects.stream(partition))).state.bytes
  }

  /** Removes the records up to `sequence`, included. */
  async cut(partition: number, sequence: number): Promise<void> {
    await (await this.#streams()).purge(subjects.stream(partition), { seq: sequence + 1 })
  }

  async #streams() {
    return (await jetstreamManager(this.connection)).streams
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

export class Node implements AsyncDisposable {
  readonly partition: Partition
  /** Its connection to the log. */
  readonly link: Link
  /** Whether placement names it. */
  mine = true
  /** Events of each record it had a PubAck for. */
  readonly appended: number[] = []
  readonly latenessMs: number[] = []
  readonly troubles: string[] = []
  /** Why it was given up. */
  fault: unknown
  readonly #stack: AsyncDisposableStack

  private constructor(
    options: { readonly name: string; readonly partition: number },
    clock: Clock,
    world: World,
    parts: { readonly link: Link; readonly logs: LogConnection; readonly stack: AsyncDisposableStack },
  ) {
    const { name: node, partition } = options
    this.link = parts.link
    this.#stack = parts.stack
    this.partition = new Partition(
      { node, partition, partitionCount, dataId: world.cluster.dataId },
      {
        log: new EventLogs(parts.logs).logOf(partition),
        clock,
        turns: new Turns({ clock }),
        random: Math.random,
        newTerm: () => randomBytes(8).toString('hex'),
        packing: createPacking(),
        snapshots: world.snapshots,
        observer: {
          appended: (events) => this.appended.push(events),
          fired: (latenessMs) => this.latenessMs.push(latenessMs),
          tookOver: () => undefined,
          trouble: (_, message, detail) => this.troubles.push(`${message}: ${detail}`),
        },
        mine: () => this.mine,
        ended: (fault) => (this.fault = fault),
        applied: () => undefined,
      },
    )
    // As placement does it.
    const ticking = setInterval(() => {
      this.partition.tick()
    }, 50)
    this.#stack.defer(() => {
      clearInterval(ticking)
    })
  }

  static async start(name: string, partition: number, clock: Clock, world: World): Promise<Node> {
    await using stack = new AsyncDisposableStack()
    const link = stack.use(await Link.to(world.nats.port))
    const servers = [`nats://127.0.0.1:${link.port}`]
    const opened = (): AsyncDisposable => ({ [Symbol.asyncDispose]: () => Promise.resolve() })
    const logs = new LogConnection({ servers, name }, { logger: quiet, random: Math.random, opened })
    stack.use(logs)
    await logs.open()
    return new Node({ name, partition }, clock, world, { link, logs, stack: stack.move() })
  }

  submit(session: string, commands: readonly SentCommand[], answeredBelow = 0): Promise<GroupOutcome> {
    return new Promise((resolve) => {
      this.partition.submit({ session, answeredBelow, commands }, resolve)
    })
  }

  /** One command and its result; it must have one. */
  async result(session: string, command: SentCommand): Promise<CommandResult> {
    const { results } = await this.submit(session, [command])
    assert.ok(results[0], 'not owner')
    return results[0].result
  }

  async done(session: string, command: SentCommand): Promise<Done> {
    const result = await this.result(session, command)
    assert.ok(result.ok, JSON.stringify(result))
    return result
  }

  /** It ends without a word in the log. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.mine = false
    await this.#stack.disposeAsync()
    await this.partition.release(undefined)
  }
}

export function newSession(): string {
  return randomBytes(8).toString('hex')
}

/** Ids of timers that belong to this partition. */
export function idsOf(partition: number, count: number): string[] {
  const ids: string[] = []
  for (let i = 0; ids.length < count; i += 1) {
    if (partitionOf(tenantId, `t${i}`, partitionCount) === partition) ids.push(`t${i}`)
  }
  return ids
}

export function sent(
  timerId: string,
  n: number,
  operation: Operation,
  more: Partial<Command & Pick<SentCommand, 'notAfterMs'>> = {},
): SentCommand {
  const actor = { type: 'operator', id: 'local' } as const
  const notAfterMs = Date.now() + 15_000
  return { tenantId, timerId, n, operation, actor, requestId: `r-${n}`, notAfterMs, ...more }
}

export function recordOf(term: string, body: LogRecord['body'], more: Partial<LogRecord> = {}): LogRecord {
  return { format: recordFormat, term, owner: 'somebody', snapshotAt: 0, body, ...more }
}

export function put(durationMs: number, more: Partial<Extract<Operation, { op: 'put' }>> = {}): Operation {
  const rest = { autostart: false, title: '', labels: {}, metadata: '', retentionMs: 0 }
  return { op: 'put', ...rest, durationMs, ...more }
}

export function add(byMs: number): Operation {
  return { op: 'add', byMs }
}
