// Walks every cell of the table: what is done must be what the cell says, with the times it should have.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ops, type Command } from '@timers/shared/timer/command.ts'
import { timerStates, type Timer } from '@timers/shared/timer/timer.ts'
import { examples, now, timers, type AnyOperation, type Examples } from './table.examples.ts'
import { table } from './table.ts'
import { transition, type Fire, type Outcome } from './transition.ts'

const actor = { type: 'key', id: 'k1' } as const

/** The outcome in the table's words. */
function nameOf(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'event':
      return outcome.event.type
    case 'no-op':
      return 'no-op'
    case 'refusal':
      return outcome.refusal.code
  }
}

function command(operation: AnyOperation): Command | Fire {
  return { tenantId: 'default', timerId: 't1', operation, actor, requestId: 'r1' } as Command | Fire
}

function check(timer: Timer | undefined, [operation, expected]: Examples[number]): string {
  const before = structuredClone(timer)
  const outcome = transition(timer, command(operation), now, 41)
  assert.deepEqual(timer, before, 'the timer it was given has changed')
  if (typeof expected === 'string') {
    assert.equal(nameOf(outcome), expected, JSON.stringify(operation))
    if (outcome.kind === 'no-op') assert.equal(outcome.timer, timer)
    return expected
  }
  const { type, ...fields } = expected
  const after = {
    ...(timer ?? { tenantId: 'default', timerId: 't1' }),
    version: timer === undefined ? 42 : timer.version + 1,
    ...(type === 'deleted' ? {} : { updatedAtMs: now }),
    ...fields,
  }
  const event = { type, timer: after, cause: { actor, requestId: 'r1' } }
  assert.deepEqual(outcome, { kind: 'event', event }, JSON.stringify(operation))
  return type
}

describe('every cell of the table', () => {
  for (const state of ['none', ...timerStates] as const) {
    for (const op of [...ops, 'fire'] as const) {
      test(`${state} × ${op} → ${table[state][op]}`, () => {
        const seen = (examples[state][op] as Examples).map((example) => {
          const timer = state === 'none' ? undefined : ({ ...timers[state], ...example[2] } as Timer)
          return check(timer, example)
        })
        assert.equal(seen[0], table[state][op], 'the first example shows what the cell says')
      })
    }
  }
})
