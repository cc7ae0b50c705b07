// What may be asked of a timer: operations, domain ↔ proto. It checks shapes; limits are judged where
// a command is made and where it is carried out.

import type { Command as PbCommand, Put as PbPut, Set as PbSet } from '@timers/proto/timers/core/v1/core.ts'
import type { Operation, TimeSpan } from '../timer/command.ts'
import type { JsonObject } from '../timer/timer.ts'
import { labelsFromWire, labelsToWire } from './timer-wire.ts'
import { integer, natural, WireError } from './wire-error.ts'

type PbOperation = NonNullable<PbCommand['op']>
type Of<O extends Operation['op']> = Extract<Operation, { op: O }>

/** Throws a WireError that names the field. */
export function operationToWire(operation: Operation): PbOperation {
  switch (operation.op) {
    case 'put':
      return { $case: 'put', value: putToWire(operation) }
    case 'update': {
      const { title, durationMs, labels, metadata } = operation
      const value = {
        title,
        durationMs: durationMs === undefined ? undefined : natural(durationMs, 'update.durationMs'),
        labelsPatch: patchToWire(labels),
        metadataPatch: patchToWire(metadata),
      }
      return { $case: 'update', value }
    }
    case 'start':
    case 'pause':
    case 'reset':
    case 'restart':
    case 'delete':
      return { $case: operation.op, value: {} }
    case 'set':
      return {
        $case: 'set',
        value:
          'remainingMs' in operation
            ? { remainingMs: natural(operation.remainingMs, 'set.remainingMs') }
            : { deadlineMs: integer(operation.deadlineMs, 'set.deadlineMs') },
      }
    case 'add':
      return { $case: 'add', value: { byMs: integer(operation.byMs, 'add.byMs') } }
    case 'multiply':
      return { $case: 'multiply', value: { factor: finite(operation.factor) } }
    case 'extendIfWithin':
      return { $case: 'extendIfWithin', value: extendIfWithin(operation) }
  }
}

/** Throws a WireError for what is no operation of ours. */
export function operationFromWire(pb: PbCommand['op']): Operation {
  switch (pb?.$case) {
    case undefined:
      throw new WireError('command.op', 'is missing or not known')
    case 'put':
      return putFromWire(pb.value)
    case 'update': {
      const { title, durationMs, labelsPatch, metadataPatch } = pb.value
      return {
        op: 'update',
        ...(title === undefined ? {} : { title }),
        ...(durationMs === undefined ? {} : { durationMs: natural(durationMs, 'update.durationMs') }),
        ...(labelsPatch === undefined ? {} : { labels: patchFromWire(labelsPatch, 'update.labelsPatch') }),
        ...(metadataPatch === undefined
          ? {}
          : { metadata: patchFromWire(metadataPatch, 'update.metadataPatch') }),
      }
    }
    case 'start':
    case 'pause':
    case 'reset':
    case 'restart':
    case 'delete':
      return { op: pb.$case }
    case 'set':
      return setFromWire(pb.value)
    case 'add':
      return { op: 'add', byMs: pb.value.byMs }
    case 'multiply':
      return { op: 'multiply', factor: finite(pb.value.factor) }
    case 'extendIfWithin': {
      const { windowMs, byMs, maxDeadlineMs } = pb.value
      return {
        op: 'extendIfWithin',
        ...extendIfWithin({ windowMs, byMs, ...(maxDeadlineMs === undefined ? {} : { maxDeadlineMs }) }),
      }
    }
  }
}

function putToWire(put: Of<'put'>): PbPut {
  const { autostart, title, labels, metadata, retentionMs } = put
  return {
    ...('durationMs' in put
      ? { durationMs: natural(put.durationMs, 'put.durationMs') }
      : { deadlineMs: integer(put.deadlineMs, 'put.deadlineMs') }),
    autostart,
    title,
    labels: labelsToWire(labels),
    metadata,
    retentionMs: natural(retentionMs, 'put.retentionMs'),
  }
}

function putFromWire(pb: PbPut): Operation {
  const { durationMs, deadlineMs, autostart, title, labels, metadata, retentionMs } = pb
  onlyOne(durationMs, deadlineMs, 'put')
  const span: TimeSpan =
    durationMs === undefined
      ? { deadlineMs: deadlineMs ?? 0 }
      : { durationMs: natural(durationMs, 'put.durationMs') }
  return {
    op: 'put',
    autostart,
    title,
    labels: labelsFromWire(labels),
    metadata,
    retentionMs: natural(retentionMs, 'put.retentionMs'),
    ...span,
  }
}

function setFromWire({ remainingMs, deadlineMs }: PbSet): Operation {
  onlyOne(remainingMs, deadlineMs, 'set')
  return remainingMs === undefined
    ? { op: 'set', deadlineMs: deadlineMs ?? 0 }
    : { op: 'set', remainingMs: natural(remainingMs, 'set.remainingMs') }
}

function onlyOne(span: number | undefined, deadlineMs: number | undefined, field: string): void {
  if ((span === undefined) === (deadlineMs === undefined)) {
    throw new WireError(field, 'must have a span or a deadline, one of them')
  }
}

function extendIfWithin(of: Omit<Of<'extendIfWithin'>, 'op'>): Omit<Of<'extendIfWithin'>, 'op'> {
  const { windowMs, byMs, maxDeadlineMs } = of
  return {
    windowMs: natural(windowMs, 'extendIfWithin.windowMs'),
    byMs: integer(byMs, 'extendIfWithin.byMs'),
    ...(maxDeadlineMs === undefined
      ? {}
      : { maxDeadlineMs: integer(maxDeadlineMs, 'extendIfWithin.maxDeadlineMs') }),
  }
}

function finite(factor: number): number {
  if (!Number.isFinite(factor)) throw new WireError('multiply.factor', `is not finite: ${factor}`)
  return factor
}

/** JSON text, because a patch tells an absent member from a null. */
function patchToWire(patch: JsonObject | null | undefined): string | undefined {
  return patch === undefined ? undefined : JSON.stringify(patch)
}

function patchFromWire(text: string, field: string): JsonObject | null {
  let patch: unknown
  try {
    patch = JSON.parse(text)
  } catch (error) {
    throw new WireError(field, 'is not JSON', error)
  }
  if (typeof patch !== 'object' || Array.isArray(patch))
    throw new WireError(field, 'is not an object or null')
  return patch as JsonObject | null
}
