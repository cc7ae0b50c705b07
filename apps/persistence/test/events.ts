// Events and records for the tests of this folder: small, valid, each its own.

import type { LogRecord } from '@timers/shared/log/record.ts'
import { recordFormat } from '@timers/shared/log/record.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import type { EventType, LoggedEvent } from '@timers/shared/timer/event.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'

export const baseMs = 1_700_000_000_000

export function makeTimer(over: Partial<Timer> = {}): Timer {
  return {
    tenantId: 'default',
    timerId: 'tea',
    version: 1,
    state: 'running',
    title: 'Tea',
    durationMs: 60_000,
    remainingMs: null,
    deadlineMs: baseMs + 60_000,
    labels: {},
    metadata: '',
    retentionMs: 86_400_000,
    createdAtMs: baseMs,
    updatedAtMs: baseMs,
    completedAtMs: null,
    completedBy: null,
    ...over,
  } as Timer
}

export function makeEvent(over: Partial<LoggedEvent> & { timer?: Timer } = {}): LoggedEvent {
  return {
    partition: 0,
    sequence: 1,
    index: 0,
    type: 'created',
    timer: makeTimer(),
    occurredAtMs: Date.now(),
    cause: { actor: { type: 'operator', id: 'local' }, requestId: 'r1' },
    ...over,
  }
}

export interface MadeEvent {
  readonly type: EventType
  readonly timer: Timer
}

export function batchRecord(term: string, events: readonly MadeEvent[], nowMs = Date.now()): LogRecord {
  const cause = { actor: { type: 'operator', id: 'local' }, requestId: 'r1' } as const
  return {
    format: recordFormat,
    term,
    owner: 'core-1',
    snapshotAt: 0,
    body: { kind: 'batch', nowMs, events: events.map((event) => ({ ...event, cause, session: '', n: 0 })) },
  }
}

export function takeoverRecord(term: string, dataId: string, partitionCount: number): LogRecord {
  const body = { kind: 'takeover', dataId, partitionCount } as const
  return { format: recordFormat, term, owner: 'core-1', snapshotAt: 0, body }
}

/** Ids of timers that belong to this partition. */
export function idsOf(
  partition: number,
  partitionCount: number,
  count: number,
  tenantId = 'default',
): string[] {
  const ids: string[] = []
  for (let i = 0; ids.length < count; i += 1) {
    if (partitionOf(tenantId, `t${i}`, partitionCount) === partition) ids.push(`t${i}`)
  }
  return ids
}
