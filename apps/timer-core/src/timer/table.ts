// The specification of a timer: what each command does in each state. There is no other copy of it:
// transition.ts obeys it, the tests walk every cell, and a missing cell does not compile.
//
// A cell names the event that is made, or says why there is none. Four rules hold in every row:
// - An event after which no time is left to a timer that should run is called `completed` instead
//   (by command, deadline = completedAt = now); of put, update and delete the name stays.
// - set, add, multiply, extendIfWithin and update that leave everything as it was are no-ops.
// - The remaining time is clamped at 0; beyond ten years, like every other limit, is refused as
//   invalid_value, never clamped.
// - Each event adds 1 to the version, and times never go back: the clock's now counts as updatedAt
//   when it is behind it.

import type { Op } from '@timers/shared/timer/command.ts'
import type { EventType } from '@timers/shared/timer/event.ts'
import type { TimerState } from '@timers/shared/timer/timer.ts'

export type Cell = EventType | 'no-op' | 'not_found' | 'wrong_state'

export const table = {
  // There is no such timer (or not any more).
  none: {
    // Version = the partition's versionFloor + 1. Running if autostart; a duration of 0 is completed by
    // command, without firing. A deadline sets durationMs to the time until it; one in the past runs,
    // and Fire follows at once; with autostart: false it is invalid_value.
    put: 'created',
    update: 'not_found',
    start: 'not_found',
    pause: 'not_found',
    reset: 'not_found',
    restart: 'not_found',
    set: 'not_found',
    add: 'not_found',
    multiply: 'not_found',
    extendIfWithin: 'not_found',
    delete: 'not_found',
    fire: 'not_found',
  },
  // Never started, or reset.
  idle: {
    put: 'replaced', // As if there were none, but for createdAt, which stays, and version, which goes on.
    update: 'updated', // title, durationMs, labels and metadata (merge patches); never the clock.
    start: 'started', // deadline = now + remaining; 0 left → completed at once.
    pause: 'no-op',
    reset: 'reset', // remaining = duration, idle.
    restart: 'restarted', // Reset and started, in one event; a duration of 0 → completed at once.
    set: 'adjusted', // remaining = remainingMs, or the time until the deadline; stays idle, also at 0.
    add: 'adjusted', // remaining + byMs; likewise.
    multiply: 'adjusted', // remaining × factor, rounded half up to a ms; likewise.
    extendIfWithin: 'wrong_state',
    delete: 'deleted', // The event shows the timer as it was, with the new version.
    fire: 'no-op',
  },
  running: {
    put: 'replaced',
    update: 'updated', // A new durationMs counts from the next reset or restart on.
    start: 'no-op',
    pause: 'paused', // remaining = deadline − now.
    reset: 'reset',
    restart: 'restarted',
    set: 'adjusted', // deadline = now + remaining; 0 → completed by command. So do the next two.
    add: 'adjusted',
    multiply: 'adjusted',
    extendIfWithin: 'extended', // Adds byMs, up to maxDeadline, if remaining ≤ windowMs; else a no-op.
    delete: 'deleted',
    fire: 'completed', // By fire, keeping the deadline; before the deadline a no-op.
  },
  paused: {
    put: 'replaced',
    update: 'updated',
    start: 'started',
    pause: 'no-op',
    reset: 'reset',
    restart: 'restarted',
    set: 'adjusted', // Stays paused, also at 0. So do the next two.
    add: 'adjusted',
    multiply: 'adjusted',
    extendIfWithin: 'wrong_state',
    delete: 'deleted',
    fire: 'no-op',
  },
  completed: {
    put: 'replaced',
    update: 'updated',
    start: 'wrong_state', // Only reset, restart, put and gaining time lead out of completed.
    pause: 'wrong_state',
    reset: 'reset',
    restart: 'restarted',
    set: 'adjusted', // If it gains time → paused with it.
    add: 'adjusted', // Likewise, from 0.
    multiply: 'no-op', // 0 × factor gains none.
    extendIfWithin: 'wrong_state',
    delete: 'deleted',
    fire: 'no-op',
  },
} as const satisfies Record<TimerState | 'none', Record<Op | 'fire', Cell>>
