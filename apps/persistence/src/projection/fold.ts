// A run of log records → what the read model takes in one go: the newest event per timer, every event for the
// audit, and what could not be read. Pure.

import type { LogRecord } from '@timers/shared/log/record.ts'
import type { TermFilter } from '@timers/shared/log/term-filter.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import type { LoggedEvent } from '@timers/shared/timer/event.ts'
import type { Place, Poison } from './repository.ts'

export interface LogMessage {
  readonly sequence: number
  readonly storedAtMs: number
  readonly data: Uint8Array
}

export interface FoldOptions {
  readonly partition: number
  readonly partitionCount: number
  readonly dataId: string
  /** The newest record format this build knows. */
  readonly format: number
  /** A fold ends at the record that reaches it. */
  readonly eventsMost: number
}

export interface Folded {
  /** How many messages it took, from the front. */
  readonly taken: number
  readonly newest: readonly LoggedEvent[]
  readonly events: readonly LoggedEvent[]
  readonly poison: readonly Poison[]
  /** Records that do not count: of a term that is not in force. */
  readonly skipped: number
  readonly place: Place
}

/** The log holds what this build must not judge: reading stops before it, until somebody sees to it. */
export class UnreadableLogError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UnreadableLogError'
  }
}

/**
 * Folds from the front of `messages` (at least one). `decode` throws for what is no record. Throws
 * UnreadableLogError; the filter's state is then of no use any more.
 */
export function fold(
  options: FoldOptions,
  filter: TermFilter,
  messages: readonly LogMessage[],
  decode: (data: Uint8Array) => LogRecord,
): Folded {
  const newest = new Map<string, LoggedEvent>()
  const events: LoggedEvent[] = []
  const poison: Poison[] = []
  const skippedBefore = filter.skipped
  let place: Place = { sequence: 0, term: undefined, storedAtMs: undefined }
  let taken = 0
  for (const message of messages) {
    taken += 1
    const read = readRecord(options, message, decode)
    if ('reason' in read) poison.push(read)
    else if (filter.admits(read) && read.body.kind === 'batch') {
      for (const [index, event] of read.body.events.entries()) {
        const { tenantId, timerId } = event.timer
        if (partitionOf(tenantId, timerId, options.partitionCount) !== options.partition) {
          poison.push(poisonOf(message, `event ${index} is of another partition`))
          continue
        }
        const logged = loggedEvent(options.partition, message.sequence, index, read.body.nowMs, event)
        events.push(logged)
        newest.set(`${tenantId}/${timerId}`, logged)
      }
    }
    place = { sequence: message.sequence, term: filter.term, storedAtMs: message.storedAtMs }
    if (events.length >= options.eventsMost) break
  }
  return {
    taken,
    newest: [...newest.values()],
    events,
    poison,
    skipped: filter.skipped - skippedBefore,
    place,
  }
}

function readRecord(
  options: FoldOptions,
  message: LogMessage,
  decode: (data: Uint8Array) => LogRecord,
): LogRecord | Poison {
  let record: LogRecord
  try {
    record = decode(message.data)
  } catch (error) {
    return poisonOf(message, error instanceof Error ? error.message : String(error))
  }
  const { format, body } = record
  if (format > options.format) {
    throw new UnreadableLogError(
      `record ${message.sequence} of partition ${options.partition} has format ${format}, this build knows ${options.format}`,
    )
  }
  if (body.kind === 'unknown') return poisonOf(message, 'its kind is not known')
  if (body.kind === 'takeover' && body.dataId !== options.dataId) {
    throw new UnreadableLogError(
      `record ${message.sequence} of partition ${options.partition} is of other data: ${body.dataId}`,
    )
  }
  return record
}

function poisonOf({ sequence, data }: LogMessage, reason: string): Poison {
  return { sequence, reason, data }
}

function loggedEvent(
  partition: number,
  sequence: number,
  index: number,
  occurredAtMs: number,
  { type, timer, cause }: Pick<LoggedEvent, 'type' | 'timer' | 'cause'>,
): LoggedEvent {
  return { partition, sequence, index, occurredAtMs, type, timer, cause }
}
