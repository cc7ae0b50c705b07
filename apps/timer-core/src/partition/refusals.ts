// The refusals a partition itself makes; those of the state machine are its own.

import type { Refusal } from '@timers/shared/errors.ts'

/** Nothing was done. */
export function unavailable(detail: string): Refusal {
  return { code: 'unavailable', detail, retryAfterMs: 500 }
}

export const unowned = unavailable('Nobody owns this partition at the moment.')

/** Whether it was done, its sender knows. */
export const alreadyAnswered = unavailable('Its sender has said that it needs no answer.')

export const logFull: Refusal = {
  code: 'log_full',
  detail: 'The log of this partition takes no more commands.',
  retryAfterMs: 5000,
}

/** Of reads, and of what changes nothing, while the log takes not even the word that makes them true. */
export const unconfirmed = unavailable('The log of this partition takes no more records.')

export const outcomeUnknown: Refusal = {
  code: 'outcome_unknown',
  detail: 'The log did not say in time whether it has the change.',
}

export function internal(bug: unknown): Refusal {
  const fault = bug instanceof Error ? bug.message : String(bug)
  return { code: 'internal', detail: `The command could not be carried out: ${fault}` }
}
