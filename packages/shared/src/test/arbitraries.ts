// Timers, events and commands of any allowed shape, for tests by properties.

import fc from 'fast-check'
import { actorTypes, type Actor, type Operation, type SentCommand } from '../timer/command.ts'
import { eventTypes } from '../timer/event.ts'
import { limits } from '../timer/limits.ts'
import { completedBys, type JsonObject, type Labels, type Timer } from '../timer/timer.ts'
import type { AnsweredKey, RecordEvent } from '../log/record.ts'

const text = (maxLength: number): fc.Arbitrary<string> => fc.string({ unit: 'grapheme', maxLength })
export const timerId = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._~-]{0,40}$/)
const durationMs = fc.integer({ min: 0, max: limits.durationMs })
const instantMs = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
const natural = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const version = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })

const jsonObject = fc
  .dictionary(text(8), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 })
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject)

export const labels: fc.Arbitrary<Labels> = fc
  .uniqueArray(
    fc.tuple(fc.oneof(fc.constant('__proto__'), fc.stringMatching(/^[a-z0-9._-]{1,12}$/)), text(20)),
    {
      maxLength: 16,
      selector: ([key]) => key,
    },
  )
  .map((pairs) => Object.fromEntries(pairs))

export const actor: fc.Arbitrary<Actor> = fc.record({ type: fc.constantFrom(...actorTypes), id: text(20) })

export const timer: fc.Arbitrary<Timer> = fc
  .tuple(
    fc.record({
      tenantId: timerId,
      timerId,
      version,
      title: text(40),
      durationMs,
      labels,
      metadata: fc.oneof(
        fc.constant(''),
        jsonObject.map((value) => JSON.stringify(value)),
      ),
      retentionMs: durationMs,
      createdAtMs: instantMs,
      updatedAtMs: instantMs,
    }),
    fc.oneof(
      fc.record({
        state: fc.constantFrom('idle', 'paused'),
        remainingMs: durationMs,
        deadlineMs: fc.constant(null),
        completedAtMs: fc.constant(null),
        completedBy: fc.constant(null),
      }),
      fc.record({
        state: fc.constant('running'),
        remainingMs: fc.constant(null),
        deadlineMs: instantMs,
        completedAtMs: fc.constant(null),
        completedBy: fc.constant(null),
      }),
      fc.record({
        state: fc.constant('completed'),
        remainingMs: fc.constant(0),
        deadlineMs: instantMs,
        completedAtMs: instantMs,
        completedBy: fc.constantFrom(...completedBys),
      }),
    ),
  )
  .map(([base, byState]) => ({ ...base, ...byState }))

export const recordEvent: fc.Arbitrary<RecordEvent> = fc.record({
  type: fc.constantFrom(...eventTypes),
  timer,
  cause: fc.record({ actor, requestId: text(20) }),
  session: fc.constantFrom('', '0123456789abcdef'),
  n: natural,
})

const span = fc.oneof(fc.record({ durationMs }), fc.record({ deadlineMs: instantMs }))

export const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc
    .tuple(
      fc.record({
        op: fc.constant('put' as const),
        autostart: fc.boolean(),
        title: text(40),
        labels,
        metadata: jsonObject.map((value) => JSON.stringify(value)),
        retentionMs: durationMs,
      }),
      span,
    )
    .map(([put, time]) => ({ ...put, ...time })),
  fc.record(
    {
      op: fc.constant('update' as const),
      title: text(40),
      durationMs,
      labels: fc.oneof(fc.constant(null), jsonObject),
      metadata: fc.oneof(fc.constant(null), jsonObject),
    },
    { requiredKeys: ['op'] },
  ),
  fc.constantFrom('start', 'pause', 'reset', 'restart', 'delete').map((op) => ({ op })),
  fc.record({ op: fc.constant('set' as const), remainingMs: durationMs }),
  fc.record({ op: fc.constant('set' as const), deadlineMs: instantMs }),
  fc.record({ op: fc.constant('add' as const), byMs: fc.maxSafeInteger() }),
  fc.record({
    op: fc.constant('multiply' as const),
    factor: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
  }),
  fc.record(
    {
      op: fc.constant('extendIfWithin' as const),
      windowMs: durationMs,
      byMs: fc.maxSafeInteger(),
      maxDeadlineMs: instantMs,
    },
    { requiredKeys: ['op', 'windowMs', 'byMs'] },
  ),
)

export const answeredKey: fc.Arbitrary<AnsweredKey> = fc.record(
  {
    digest: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    body: fc.uint8Array({ minLength: 8, maxLength: 8 }),
    status: fc.nat(599),
    version: natural,
  },
  { noNullPrototype: true },
)

export const sentCommand: fc.Arbitrary<SentCommand> = fc.record(
  {
    tenantId: timerId,
    timerId,
    operation,
    ifVersion: natural,
    ifAbsent: fc.constant(true),
    actor,
    requestId: text(20),
    n: natural,
    notAfterMs: instantMs,
  },
  { requiredKeys: ['tenantId', 'timerId', 'operation', 'actor', 'requestId', 'n', 'notAfterMs'] },
)
