// One partition's log on JetStream: the fenced append, and reading by the shared reader.
// A success is a PubAck with the very next sequence; the number inside a refusal is never looked at.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { createLogReader, type LogMessage, type LogReader } from '@timers/shared/nats/log-reader.ts'
import { subjects } from '@timers/shared/subjects.ts'
import { createRecordEncoder, decodeRecord } from '@timers/shared/wire/record-wire.ts'
import { WireError } from '@timers/shared/wire/wire-error.ts'
import { DamagedLogError } from '../partition/ledger.ts'
import type { AppendOutcome, PartitionLog, StoredRecord } from '../partition/ports.ts'
import { AppendCalls } from './append-calls.ts'
import type { LogConnection } from './log-connection.ts'

const callMs = 1000
/** About 5 ms of decoding. */
const bytesATurn = 512 * 1024
/** JetStream: the stream has no room (discard: new). */
const maximumBytes = 10077
/** JetStream: larger than the stream or server takes. */
const messageTooLarge = 10054

interface Clients {
  readonly connection: NatsConnection
  readonly manager: Promise<JetStreamManager>
  readonly appends: AppendCalls
  readonly reader: LogReader
}

/** What JetStream stores of a record beside its bytes: headers, subject, checksum. */
const bytesBeside = 150

/** Records may be 256 KiB each: others get their turn between them. */
async function decodeInTurns(messages: readonly LogMessage[]): Promise<StoredRecord[]> {
  const records: StoredRecord[] = []
  let bytes = 0
  for (const message of messages) {
    records.push(toStored(message))
    bytes += message.data.length
    if (bytes < bytesATurn) continue
    bytes = 0
    await nextTurn()
  }
  return records
}

function toStored({ sequence, storedAtMs, data }: LogMessage): StoredRecord {
  try {
    return { sequence, storedAtMs, record: decodeRecord(data) }
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    throw new DamagedLogError(`Record ${sequence} cannot be read: ${error.message}`, { cause: error })
  }
}

/** Makes the logs of all partitions over one connection. */
export class EventLogs {
  readonly #connections: LogConnection
  #clients: Clients | undefined
  readonly #encode = createRecordEncoder()

  constructor(connections: LogConnection) {
    this.#connections = connections
  }

  logOf(partition: number): PartitionLog {
    return {
      connectionId: () => this.#connections.id,
      append: (record, expectedLastSequence, connectionId) => {
        let bytes
        try {
          bytes = this.#encode(record)
        } catch (error) {
          if (!(error instanceof WireError)) throw error
          return Promise.resolve({ kind: 'refused', reason: 'payload', detail: error.message })
        }
        if (connectionId !== this.#connections.id) {
          return Promise.resolve({ kind: 'unknown', detail: 'the connection is another one' })
        }
        return this.#append(partition, bytes, expectedLastSequence)
      },
      read: async (from, most) => {
        const messages = await this.#client().reader.read(partition, from, most)
        return decodeInTurns(messages)
      },
      last: async () => {
        const message = await this.#client().reader.last(partition)
        return message === undefined ? undefined : toStored(message)
      },
      ends: async () => this.#client().reader.ends(partition),
      purge: async (below) => {
        const { streams } = await this.#client().manager
        await streams.purge(subjects.stream(partition), { seq: below })
      },
    }
  }

  async #append(partition: number, bytes: Uint8Array, expected: number): Promise<AppendOutcome> {
    try {
      const answer = await this.#client().appends.send({
        subject: subjects.log(partition),
        stream: subjects.stream(partition),
        bytes,
        after: expected,
      })
      switch (answer.kind) {
        case 'stored':
          if (answer.sequence === expected + 1)
            return { kind: 'committed', sequence: answer.sequence, bytes: bytes.length + bytesBeside }
          return { kind: 'unknown', detail: `stored as ${answer.sequence}, expected ${expected + 1}` }
        case 'error':
          return refusedOrUnknown(answer.code, answer.detail)
        case 'unanswered':
          return { kind: 'unknown', detail: answer.detail }
      }
    } catch (error) {
      return { kind: 'unknown', detail: String(error) }
    }
  }

  #client(): Clients {
    const { connection } = this.#connections
    if (connection === undefined) throw new Error('There is no connection to the log')
    if (this.#clients?.connection !== connection) {
      this.#clients = {
        connection,
        manager: jetstreamManager(connection, { timeout: callMs, checkAPI: false }),
        appends: new AppendCalls({ withinMs: callMs }, { connection }),
        reader: createLogReader({ connection }),
      }
    }
    return this.#clients
  }
}

function refusedOrUnknown(code: number, detail: string): AppendOutcome {
  if (code === maximumBytes) return { kind: 'refused', reason: 'full', detail }
  if (code === messageTooLarge) return { kind: 'refused', reason: 'payload', detail }
  return { kind: 'unknown', detail }
}
