// What a put makes: a whole timer, whatever there was before. Pure.

import type { Fault, Refusal } from '@timers/shared/errors.ts'
import type { Operation } from '@timers/shared/timer/command.ts'
import type { StoppedTimer, Timer } from '@timers/shared/timer/timer.ts'
import { running, started, stopped } from './after.ts'
import {
  instantFault,
  labelFaults,
  metadataFault,
  notAllowed,
  refusalOf,
  remainingFault,
  spanFault,
  titleFault,
} from './limit-faults.ts'

type Put = Extract<Operation, { op: 'put' }>

/** What a put does not say: whose timer it is, the version to go on from, and since when there is one. */
export type Before = Pick<Timer, 'tenantId' | 'timerId' | 'version' | 'createdAtMs'>

export function put(before: Before, operation: Put, nowMs: number): Timer | Refusal {
  const refusal = refusalOf(
    timeFault(operation, nowMs),
    titleFault(operation.title),
    ...labelFaults(operation.labels),
    metadataFault(operation.metadata),
    spanFault('/retentionMs', operation.retentionMs),
  )
  if (refusal !== undefined) {
    return refusal
  }
  // max also makes −0 a 0.
  const durationMs = Math.max(
    0,
    'deadlineMs' in operation ? operation.deadlineMs - nowMs : operation.durationMs,
  )
  const timer: StoppedTimer = {
    tenantId: before.tenantId,
    timerId: before.timerId,
    version: before.version,
    state: 'idle',
    title: operation.title,
    durationMs,
    remainingMs: durationMs,
    deadlineMs: null,
    labels: operation.labels,
    metadata: operation.metadata,
    retentionMs: Math.max(0, operation.retentionMs),
    createdAtMs: before.createdAtMs,
    updatedAtMs: nowMs,
    completedAtMs: null,
    completedBy: null,
  }
  if ('deadlineMs' in operation) {
    return running(timer, Math.max(0, operation.deadlineMs), nowMs)
  }
  return operation.autostart || durationMs === 0
    ? started(timer, durationMs, nowMs)
    : stopped(timer, 'idle', durationMs, nowMs)
}

function timeFault(operation: Put, nowMs: number): Fault | undefined {
  if (!('deadlineMs' in operation)) {
    return spanFault('/durationMs', operation.durationMs)
  }
  return operation.autostart
    ? (instantFault('/deadline', operation.deadlineMs) ??
        remainingFault('/deadline', operation.deadlineMs - nowMs))
    : notAllowed('/autostart', 'must not be false with a deadline, which runs from the start')
}
