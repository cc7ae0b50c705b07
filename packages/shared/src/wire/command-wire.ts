// Commands on their way to the owner of a timer and what it answers: domain ↔ proto. What cannot be
// read throws a WireError; what the owner refuses is a value.

import type {
  Command as PbCommand,
  GetResponse as PbGetResponse,
  Result as PbResult,
  ScanPage as PbScanPage,
  ScanRequest as PbScanRequest,
} from '@timers/proto/timers/core/v1/core.ts'
import { isErrorCode, type Fault, type Refusal } from '../errors.ts'
import type { SentCommand } from '../timer/command.ts'
import type { CommandResult, GetResult, ScanPage, Selection } from '../timer/results.ts'
import { operationFromWire, operationToWire } from './operation-wire.ts'
import {
  actorFromWire,
  actorToWire,
  eventTypeFromWire,
  eventTypeToWire,
  timerFromWire,
  timerToWire,
} from './timer-wire.ts'
import { filled, integer, natural, positive, present, WireError } from './wire-error.ts'

/** Throws a WireError that names the field. */
export function commandToWire(command: SentCommand): PbCommand {
  const { tenantId, timerId, n, notAfterMs, ifVersion, ifAbsent, actor, requestId, operation } = command
  return {
    tenantId: filled(tenantId, 'command.tenantId'),
    timerId: filled(timerId, 'command.timerId'),
    n: natural(n, 'command.n'),
    notAfterMs: integer(notAfterMs, 'command.notAfterMs'),
    ifVersion: ifVersion === undefined ? undefined : natural(ifVersion, 'command.ifVersion'),
    ifAbsent: ifAbsent ?? false,
    actor: actorToWire(actor),
    requestId,
    op: operationToWire(operation),
  }
}

export function commandFromWire(pb: PbCommand): SentCommand {
  const { tenantId, timerId, n, notAfterMs, ifVersion, ifAbsent, actor, requestId, op } = pb
  return {
    tenantId: filled(tenantId, 'command.tenantId'),
    timerId: filled(timerId, 'command.timerId'),
    n: natural(n, 'command.n'),
    notAfterMs,
    ...(ifVersion === undefined ? {} : { ifVersion: natural(ifVersion, 'command.ifVersion') }),
    ...(ifAbsent ? { ifAbsent } : {}),
    actor: actorFromWire(actor),
    requestId,
    operation: operationFromWire(op),
  }
}

export function resultToWire(n: number, result: CommandResult): PbResult {
  const sequence = natural(result.sequence, 'result.sequence')
  if (!result.ok) {
    const { errors = [] } = result.refusal
    return {
      n,
      ...refusalToWire(result.refusal),
      type: 0,
      timer: undefined,
      sequence,
      errors: errors.map(({ pointer = '', code, detail }) => ({ pointer, code, detail })),
    }
  }
  return {
    n,
    ...noRefusal,
    type: result.type === null ? 0 : eventTypeToWire(result.type),
    timer: timerToWire(result.timer),
    sequence,
    errors: [],
  }
}

export function resultFromWire(pb: PbResult, partition: number): CommandResult {
  const { code, type, timer, errors } = pb
  const sequence = natural(pb.sequence, 'result.sequence')
  if (code !== '') return { ok: false, refusal: refusalFromWire(pb, errors), partition, sequence }
  return {
    ok: true,
    type: type === 0 ? null : eventTypeFromWire(type),
    timer: timerFromWire(present(timer, 'result.timer')),
    partition,
    sequence,
  }
}

export function getResultToWire(result: GetResult): PbGetResponse {
  const sequence = natural(result.sequence, 'get.sequence')
  return result.ok
    ? { ...noRefusal, timer: timerToWire(result.timer), sequence, notOwner: undefined }
    : { ...refusalToWire(result.refusal), timer: undefined, sequence, notOwner: undefined }
}

/** Undefined when the node that was asked does not own the timer's partition. */
export function getResultFromWire(pb: PbGetResponse, partition: number): GetResult | undefined {
  if (pb.notOwner !== undefined) return undefined
  const sequence = natural(pb.sequence, 'get.sequence')
  return pb.code === ''
    ? { ok: true, timer: timerFromWire(present(pb.timer, 'get.timer')), partition, sequence }
    : { ok: false, refusal: refusalFromWire(pb, []), partition, sequence }
}

export function scanPageToWire(page: ScanPage): PbScanPage {
  return {
    partition: page.partition,
    sequence: natural(page.sequence, 'scan.sequence'),
    term: page.term,
    timers: page.timers.map(timerToWire),
    more: page.more,
    notOwner: undefined,
  }
}

/** Of a page that is not a NotOwner. */
export function scanPageFromWire(pb: PbScanPage): ScanPage {
  return {
    partition: pb.partition,
    sequence: positive(pb.sequence, 'scan.sequence'),
    term: filled(pb.term, 'scan.term'),
    timers: pb.timers.map(timerFromWire),
    more: pb.more,
  }
}

export function selectionToWire(selection: Selection): PbScanRequest['selection'] {
  if ('timerIds' in selection) return { $case: 'timerIds', value: { timerIds: [...selection.timerIds] } }
  if ('prefix' in selection) return { $case: 'prefix', value: selection.prefix }
  return { $case: 'all', value: true }
}

export function selectionFromWire(pb: PbScanRequest['selection']): Selection {
  switch (pb?.$case) {
    case 'timerIds':
      return { timerIds: pb.value.timerIds }
    case 'prefix':
      return { prefix: pb.value }
    case 'all':
      return { all: true }
    case undefined:
      throw new WireError('scan.selection', 'is missing')
  }
}

interface WireRefusal {
  readonly code: string
  readonly detail: string
  readonly retryAfterMs: number
}

const noRefusal: WireRefusal = { code: '', detail: '', retryAfterMs: 0 }

function refusalToWire({ code, detail, retryAfterMs = 0 }: Refusal): WireRefusal {
  return { code, detail, retryAfterMs: natural(Math.ceil(retryAfterMs), 'refusal.retryAfterMs') }
}

/** A code that a newer node made is a fault on our side to the client. */
function refusalFromWire({ code, detail, retryAfterMs }: WireRefusal, errors: readonly Fault[]): Refusal {
  return {
    code: isErrorCode(code) ? code : 'internal',
    detail,
    ...(retryAfterMs === 0 ? {} : { retryAfterMs }),
    ...(errors.length === 0
      ? {}
      : { errors: errors.map(({ pointer = '', code, detail }) => ({ pointer, code, detail })) }),
  }
}
