// Snapshots: domain ↔ bytes. Timers go through as the bytes they are packed in.

import { crc32 } from 'node:zlib'
import {
  SnapshotPart as PbSnapshotPart,
  type SnapshotHead as PbSnapshotHead,
} from '@timers/proto/timers/core/v1/snapshot.ts'
import type { SnapshotCodec, SnapshotHead, SnapshotPart } from '../log/snapshot.ts'
import { answeredFromWire, answeredToWire } from './record-wire.ts'
import { eventTypeFromWire, eventTypeToWire } from './timer-wire.ts'
import { decode, filled, integer, natural, positive, present, uint32 } from './wire-error.ts'

export const snapshotCodec: SnapshotCodec = {
  encode: encodePart,
  decode: decodePart,
  crc: (bytes, before) => crc32(bytes, before),
}

/** Throws a WireError that names the field. */
function encodePart({ head, timers, sessions, results, answered }: SnapshotPart): Uint8Array {
  return PbSnapshotPart.encode({
    head: head === undefined ? undefined : headToWire(head),
    timers: timers.map(({ packed, setBy }) => ({ timer: toBytes(packed), setBy })),
    sessions: sessions.map(({ session, answeredBelow, heardAtMs }) => ({
      session: filled(session, 'session'),
      answeredBelow: natural(answeredBelow, 'session.answeredBelow'),
      heardAtMs: integer(Math.floor(heardAtMs), 'session.heardAtMs'),
    })),
    results: results.map(({ session, n, type, packed, sequence, keptUntilMs }) => ({
      session: filled(session, 'result.session'),
      n: natural(n, 'result.n'),
      type: eventTypeToWire(type),
      timer: toBytes(packed),
      sequence: natural(sequence, 'result.sequence'),
      keptUntilMs: integer(Math.floor(keptUntilMs), 'result.keptUntilMs'),
    })),
    answered: answered.map((key) => ({
      hour: uint32(key.hour, 'answered.hour'),
      answered: answeredToWire(key.answered),
    })),
  }).finish()
}

/** Throws a WireError for bytes that are not a part of ours. */
function decodePart(bytes: Uint8Array): SnapshotPart {
  const { head, timers, sessions, results, answered } = decode(PbSnapshotPart, bytes, 'snapshot')
  return {
    head: head === undefined ? undefined : headFromWire(head),
    timers: timers.map(({ timer, setBy }) => ({ packed: toText(timer), setBy })),
    sessions: sessions.map(({ session, answeredBelow, heardAtMs }) => ({
      session: filled(session, 'session'),
      answeredBelow: natural(answeredBelow, 'session.answeredBelow'),
      heardAtMs,
    })),
    results: results.map(({ session, n, type, timer, sequence, keptUntilMs }) => ({
      session: filled(session, 'result.session'),
      n: natural(n, 'result.n'),
      type: eventTypeFromWire(type),
      packed: toText(timer),
      sequence: natural(sequence, 'result.sequence'),
      keptUntilMs,
    })),
    answered: answered.map((key) => ({
      hour: key.hour,
      answered: answeredFromWire(present(key.answered, 'answered')),
    })),
  }
}

function headToWire(head: SnapshotHead): PbSnapshotHead {
  return {
    format: uint32(positive(head.format, 'head.format'), 'head.format'),
    dataId: filled(head.dataId, 'head.dataId'),
    partition: uint32(head.partition, 'head.partition'),
    partitionCount: uint32(positive(head.partitionCount, 'head.partitionCount'), 'head.partitionCount'),
    sequence: natural(head.sequence, 'head.sequence'),
    term: head.term ?? '',
    owner: head.owner ?? '',
    versionFloor: natural(head.versionFloor, 'head.versionFloor'),
    before: natural(head.before, 'head.before'),
  }
}

function headFromWire(pb: PbSnapshotHead): SnapshotHead {
  const { format, dataId, partition, partitionCount, term, owner } = pb
  return {
    format: positive(format, 'head.format'),
    dataId: filled(dataId, 'head.dataId'),
    partition,
    partitionCount: positive(partitionCount, 'head.partitionCount'),
    sequence: natural(pb.sequence, 'head.sequence'),
    term: term === '' ? undefined : term,
    owner: owner === '' ? undefined : owner,
    versionFloor: natural(pb.versionFloor, 'head.versionFloor'),
    before: natural(pb.before, 'head.before'),
  }
}

function toBytes(packed: string): Uint8Array {
  return Buffer.from(packed, 'latin1')
}

function toText({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
}
