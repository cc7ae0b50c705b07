// What a command's sender is told once its batch is in the log, or was refused. Pure.

import type { Refusal } from '@timers/shared/errors.ts'
import type { CommandResult, LogPosition } from '@timers/shared/timer/results.ts'
import type { Verdict } from './batch.ts'
import type { Repeats } from './repeats.ts'

/** `instead`: the log did not take it. */
export function resultOf(
  { pending, outcome }: Verdict,
  at: LogPosition,
  repeats: Repeats,
  instead?: Refusal,
): CommandResult {
  if (instead !== undefined) return { ok: false, refusal: instead, ...at }
  switch (outcome.kind) {
    case 'event': {
      // As a repeat would be told it, so that both are told the same.
      const kept = repeats.find(pending.session, pending.command.n)
      return { ok: true, type: outcome.event.type, timer: kept?.timer ?? outcome.event.timer, ...at }
    }
    case 'no-op':
      return { ok: true, type: null, timer: outcome.timer, ...at }
    case 'refusal':
      return { ok: false, refusal: outcome.refusal, ...at }
  }
}
