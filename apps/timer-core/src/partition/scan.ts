// The timers of one tenant in one partition, page by page, for a viewer who joins: the position is noted before
// the walk, so a page may hold newer timers than it says, and the feed from position + 1 on makes it whole.

import type { Timer } from '@timers/shared/timer/timer.ts'
import type { LogPosition, ScanPage, Selection } from '@timers/shared/timer/results.ts'
import type { PartitionState } from './state.ts'

export const scanLimits = {
  timersAPage: 500,
  /** Timers looked at in one turn: a page may come out short, so that no turn is long. */
  lookedAtATurn: 5000,
} as const

type Stand = LogPosition & { readonly term: string }

/** Always at least one page; the last says more: false. */
export function* scanPages(
  state: PartitionState,
  stand: Stand,
  tenantId: string,
  selection: Selection,
): Generator<ScanPage, void, void> {
  let timers: Timer[] = []
  let lookedAt = 0
  for (const timer of selected(state, tenantId, selection)) {
    lookedAt += 1
    if (timer !== undefined) timers.push(timer)
    if (timers.length === scanLimits.timersAPage || lookedAt === scanLimits.lookedAtATurn) {
      yield { ...stand, timers, more: true }
      timers = []
      lookedAt = 0
    }
  }
  yield { ...stand, timers, more: false }
}

function* selected(
  state: PartitionState,
  tenantId: string,
  selection: Selection,
): Generator<Timer | undefined, void, void> {
  if ('timerIds' in selection) {
    for (const timerId of selection.timerIds) yield state.get(tenantId, timerId)
  } else if ('prefix' in selection) {
    yield* state.timersWithPrefix(tenantId, selection.prefix)
  } else {
    yield* state.timersOf(tenantId)
  }
}
