// Log records: domain ↔ bytes. A record is checked whole before any of it is encoded, and decoding
// lets nothing but a WireError out, whatever the bytes.

import {
  LogRecord as PbLogRecord,
  type Answered as PbAnswered,
  type LogEvent as PbLogEvent,
} from '@timers/proto/timers/core/v1/log.ts'
import type { AnsweredKey, LogRecord, RecordBody, RecordEvent } from '../log/record.ts'
import { Int64Writer } from './int64-writer.ts'
import {
  actorFromWire,
  actorToWire,
  eventTypeFromWire,
  eventTypeToWire,
  timerFromWire,
  timerToWire,
} from './timer-wire.ts'
import {
  decode,
  exactly,
  filled,
  integer,
  natural,
  positive,
  present,
  uint32,
  WireError,
} from './wire-error.ts'

/** Throws a WireError that names the field; then nothing was encoded. */
export function encodeRecord(record: LogRecord, writer = new Int64Writer()): Uint8Array {
  const pb = {
    format: uint32(positive(record.format, 'record.format'), 'record.format'),
    term: filled(record.term, 'record.term'),
    owner: filled(record.owner, 'record.owner'),
    snapshotAt: natural(record.snapshotAt, 'record.snapshotAt'),
    body: bodyToWire(record.body),
  }
  return PbLogRecord.encode(pb, writer).finish()
}

/** encodeRecord with one writer for all: it keeps its buffer, which would grow anew for every record. */
export function createRecordEncoder(): (record: LogRecord) => Uint8Array {
  let writer: Int64Writer | undefined
  return (record) => {
    const used = writer ?? new Int64Writer()
    // One that was left in the middle of a record is not used again.
    writer = undefined
    const bytes = encodeRecord(record, used)
    writer = used
    return bytes
  }
}

/** Throws a WireError for bytes that are not a record of ours. */
export function decodeRecord(bytes: Uint8Array): LogRecord {
  const pb = decode(PbLogRecord, bytes, 'record')
  return {
    format: positive(pb.format, 'record.format'),
    term: filled(pb.term, 'record.term'),
    owner: filled(pb.owner, 'record.owner'),
    snapshotAt: natural(pb.snapshotAt, 'record.snapshotAt'),
    body: bodyFromWire(pb.body),
  }
}

function bodyToWire(body: RecordBody): PbLogRecord['body'] {
  switch (body.kind) {
    case 'takeover':
      return {
        $case: 'takeover',
        value: {
          dataId: filled(body.dataId, 'takeover.dataId'),
          partitionCount: uint32(body.partitionCount, 'takeover.partitionCount'),
        },
      }
    case 'batch':
      return {
        $case: 'batch',
        value: {
          nowMs: integer(body.nowMs, 'batch.nowMs'),
          events: body.events.map(eventToWire),
          answered: (body.answered ?? []).map(answeredToWire),
        },
      }
    case 'snapshotTaken':
      return {
        $case: 'snapshotTaken',
        value: {
          sequence: natural(body.sequence, 'snapshotTaken.sequence'),
          parts: uint32(body.parts, 'snapshotTaken.parts'),
          crc: uint32(body.crc, 'snapshotTaken.crc'),
        },
      }
    case 'release':
      return { $case: 'release', value: { to: body.to } }
    case 'beat':
      return { $case: 'beat', value: {} }
    case 'unknown':
      throw new WireError('record.body', 'is of no kind this build writes')
  }
}

function bodyFromWire(body: PbLogRecord['body']): RecordBody {
  switch (body?.$case) {
    case 'takeover':
      return { kind: 'takeover', dataId: body.value.dataId, partitionCount: body.value.partitionCount }
    case 'batch': {
      const { nowMs, events, answered } = body.value
      const batch = { kind: 'batch', nowMs, events: events.map(eventFromWire) } as const
      return answered.length === 0 ? batch : { ...batch, answered: answered.map(answeredFromWire) }
    }
    case 'snapshotTaken': {
      const { sequence, parts, crc } = body.value
      return { kind: 'snapshotTaken', sequence: natural(sequence, 'snapshotTaken.sequence'), parts, crc }
    }
    case 'release':
      return { kind: 'release', to: body.value.to }
    case 'beat':
      return { kind: 'beat' }
    case undefined:
      return { kind: 'unknown' }
  }
}

function eventToWire(event: RecordEvent): PbLogEvent {
  return {
    type: eventTypeToWire(event.type),
    timer: timerToWire(event.timer),
    actor: actorToWire(event.cause.actor),
    requestId: event.cause.requestId,
    session: event.session,
    n: natural(event.n, 'event.n'),
  }
}

function eventFromWire(pb: PbLogEvent): RecordEvent {
  return {
    type: eventTypeFromWire(pb.type),
    timer: timerFromWire(present(pb.timer, 'event.timer')),
    cause: { actor: actorFromWire(pb.actor), requestId: pb.requestId },
    session: pb.session,
    n: natural(pb.n, 'event.n'),
  }
}

export function answeredToWire({ digest, body, status, version }: AnsweredKey): PbAnswered {
  return {
    digest: exactly(digest, 16, 'answered.digest'),
    body: exactly(body, 8, 'answered.body'),
    status: uint32(status, 'answered.status'),
    version: natural(version, 'answered.version'),
  }
}

export function answeredFromWire({ digest, body, status, version }: PbAnswered): AnsweredKey {
  return {
    digest: exactly(digest, 16, 'answered.digest'),
    body: exactly(body, 8, 'answered.body'),
    status,
    version: natural(version, 'answered.version'),
  }
}
