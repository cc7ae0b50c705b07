// Reads partitions' logs by direct gets: in order, without consumers, each call answered within a
// second. What it reads may be stale or cut short (any replica answers), but never has a hole.

import { jetstreamManager, type StoredMsg } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { subjects } from '../subjects.ts'

export interface LogMessage {
  readonly sequence: number
  /** The broker's clock. */
  readonly storedAtMs: number
  readonly data: Uint8Array
}

/** The log goes on, but not from where it was to be read: what was between is gone. */
export class LogHoleError extends Error {
  readonly expected: number
  readonly found: number

  constructor(partition: number, expected: number, found: number) {
    super(`the log of partition ${partition} has no record ${expected}; the next is ${found}`)
    this.name = 'LogHoleError'
    this.expected = expected
    this.found = found
  }
}

export interface LogEnds {
  /** Of an empty log last + 1. */
  readonly first: number
  readonly last: number
  readonly bytes: number
  readonly maxBytes: number
}

export interface LogReader {
  /**
   * At most `most` messages, contiguous from `from`; none = nothing there, which is also what a log
   * looks like that was emptied or ends before `from`: `ends` tells. Throws a LogHoleError when the
   * first there is comes after `from`, and NATS' error.
   */
  read(partition: number, from: number, most: number): Promise<LogMessage[]>
  /** The newest, as far as the replica that answers knows. */
  last(partition: number): Promise<LogMessage | undefined>
  /** Asked of the stream's leader. */
  ends(partition: number): Promise<LogEnds>
}

const callWithinMs = 1000
/** So much comes over a slow network in a second, and no reader holds more. */
const readBytesMost = 4 * 1024 * 1024

export function createLogReader(deps: { connection: NatsConnection }): LogReader {
  const manager = jetstreamManager(deps.connection, { timeout: callWithinMs, checkAPI: false })
  return {
    async read(partition, from, most) {
      const { direct } = await manager
      const batch = new Batch(partition, from)
      const source = await direct.getBatch(subjects.stream(partition), {
        seq: from,
        batch: most,
        max_bytes: readBytesMost,
        callback: (done, message) => {
          if (done === null) batch.take(message)
          else batch.end(done.err)
        },
      })
      const late = setTimeout(() => {
        batch.end(new Error(`the log of partition ${partition} was not read within ${callWithinMs} ms`))
      }, callWithinMs)
      try {
        return await batch.messages
      } finally {
        clearTimeout(late)
        source.stop()
      }
    },
    async last(partition) {
      const { direct } = await manager
      const query = { last_by_subj: subjects.log(partition) }
      const message = await direct.getMessage(subjects.stream(partition), query)
      return message === null ? undefined : toLogMessage(message)
    },
    async ends(partition) {
      const { streams } = await manager
      const { state, config } = await streams.info(subjects.stream(partition))
      return {
        first: state.first_seq,
        last: state.last_seq,
        bytes: state.bytes,
        maxBytes: config.max_bytes,
      }
    },
  }
}

function toLogMessage(message: StoredMsg): LogMessage {
  return { sequence: message.seq, storedAtMs: Date.parse(message.timestamp), data: message.data }
}

/** Gathers the answers to one read for as long as they are contiguous. */
class Batch {
  readonly #partition: number
  readonly #from: number
  readonly #taken: LogMessage[] = []
  readonly #outcome = Promise.withResolvers<LogMessage[]>()

  constructor(partition: number, from: number) {
    this.#partition = partition
    this.#from = from
  }

  get messages(): Promise<LogMessage[]> {
    return this.#outcome.promise
  }

  take(message: StoredMsg): void {
    const expected = this.#from + this.#taken.length
    if (message.seq === expected) this.#taken.push(toLogMessage(message))
    else if (this.#taken.length > 0) this.#outcome.resolve(this.#taken)
    else this.#outcome.reject(new LogHoleError(this.#partition, expected, message.seq))
  }

  /** What came before an error is good. */
  end(error: Error | undefined): void {
    if (error === undefined || this.#taken.length > 0 || isNothingThere(error))
      this.#outcome.resolve(this.#taken)
    else this.#outcome.reject(error)
  }
}

function isNothingThere(error: Error): boolean {
  return 'code' in error && error.code === 404
}
