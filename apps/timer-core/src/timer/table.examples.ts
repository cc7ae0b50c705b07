// For every cell of the table examples of what it does, with all times. Only for tests.

import type { ErrorCode } from '@timers/shared/errors.ts'
import type { Op, Operation } from '@timers/shared/timer/command.ts'
import type { EventType } from '@timers/shared/timer/event.ts'
import type { Timer, TimerState } from '@timers/shared/timer/timer.ts'
import type { Fire } from './transition.ts'

/** When the commands of the examples are judged. */
export const now = 1_000_000

const base = {
  tenantId: 'default',
  timerId: 't1',
  version: 7,
  title: 'Tea',
  durationMs: 60_000,
  labels: { room: 'a' },
  metadata: '{"a":1}',
  retentionMs: 1000,
  createdAtMs: now - 50_000,
  updatedAtMs: now - 20_000,
}
const clockless = { deadlineMs: null, completedAtMs: null, completedBy: null }
/** Running timers have 40 s left, like the stopped ones. */
export const timers = {
  idle: { ...base, ...clockless, state: 'idle', remainingMs: 40_000 },
  running: { ...base, ...clockless, state: 'running', remainingMs: null, deadlineMs: now + 40_000 },
  paused: { ...base, ...clockless, state: 'paused', remainingMs: 40_000 },
  completed: {
    ...base,
    state: 'completed',
    remainingMs: 0,
    deadlineMs: now - 20_000,
    completedAtMs: now - 19_999,
    completedBy: 'fire',
  },
} as const satisfies Record<TimerState, Timer>

export type AnyOperation = Operation | Fire['operation']
export type Expected = 'no-op' | ErrorCode | ({ readonly type: EventType } & Partial<Timer>)
/** The third: how the timer differs from the state's usual one. */
export type Examples = readonly (readonly [AnyOperation, Expected, Partial<Timer>?])[]

const idle = (remainingMs: number) => ({ ...clockless, state: 'idle', remainingMs }) as const
const paused = (remainingMs: number) => ({ ...clockless, state: 'paused', remainingMs }) as const
const running = (ms: number) =>
  ({ ...clockless, state: 'running', remainingMs: null, deadlineMs: now + ms }) as const
const ended = (by: 'fire' | 'command', deadlineMs = now) =>
  ({ state: 'completed', remainingMs: 0, deadlineMs, completedAtMs: now, completedBy: by }) as const

const said = { title: '', labels: {}, metadata: '', retentionMs: 5 }
const put = (time: object, autostart = true): AnyOperation =>
  ({ op: 'put', autostart, ...said, ...time }) as AnyOperation
const puts = (type: 'created' | 'replaced', createdAtMs: number): Examples => {
  const all = { type, ...said, createdAtMs }
  return [
    [put({ durationMs: 5000 }), { ...all, durationMs: 5000, ...running(5000) }],
    [put({ durationMs: 5000 }, false), { ...all, durationMs: 5000, ...idle(5000) }],
    [put({ durationMs: 0 }), { ...all, durationMs: 0, ...ended('command') }],
    [put({ durationMs: 0 }, false), { ...all, durationMs: 0, ...ended('command') }],
    [put({ durationMs: -0 }), { ...all, durationMs: 0, ...ended('command') }],
    [put({ deadlineMs: now + 5000 }), { ...all, durationMs: 5000, ...running(5000) }],
    [put({ deadlineMs: now - 5000 }), { ...all, durationMs: 0, ...running(-5000) }],
    [put({ deadlineMs: now + 5000 }, false), 'invalid_value'],
  ]
}
const update: Examples = [
  [
    { op: 'update', durationMs: 5 },
    { type: 'updated', durationMs: 5 },
  ],
  [
    { op: 'update', title: 'Egg' },
    { type: 'updated', title: 'Egg' },
  ],
  [
    { op: 'update', labels: { room: null, size: 's' } },
    { type: 'updated', labels: { size: 's' } },
  ],
  [
    { op: 'update', metadata: { a: null } },
    { type: 'updated', metadata: '' },
  ],
  [{ op: 'update', title: 'Tea', durationMs: 60_000, labels: { room: 'a' }, metadata: { a: 1 } }, 'no-op'],
  [{ op: 'update' }, 'no-op'],
]
const gone: Examples = [[{ op: 'delete' }, { type: 'deleted' }]]
const reset: Examples = [
  [{ op: 'reset' }, { type: 'reset', ...idle(60_000) }],
  [{ op: 'reset' }, { type: 'reset', ...idle(0) }, { durationMs: 0 }],
]
const restart: Examples = [
  [{ op: 'restart' }, { type: 'restarted', ...running(60_000) }],
  [{ op: 'restart' }, { type: 'completed', ...ended('command') }, { durationMs: 0 }],
]
const extend = { op: 'extendIfWithin', windowMs: 40_000, byMs: 9 } as const

/** What becomes of the remaining time, by the state that is kept. */
const adjustments = (kept: (ms: number) => Partial<Timer>, end: Expected) =>
  ({
    set: [
      [
        { op: 'set', remainingMs: 5 },
        { type: 'adjusted', ...kept(5) },
      ],
      [
        { op: 'set', deadlineMs: now + 6 },
        { type: 'adjusted', ...kept(6) },
      ],
      [{ op: 'set', deadlineMs: now - 6 }, end],
      [{ op: 'set', remainingMs: 0 }, end],
      [{ op: 'set', remainingMs: 40_000 }, 'no-op'],
    ],
    add: [
      [
        { op: 'add', byMs: 5 },
        { type: 'adjusted', ...kept(40_005) },
      ],
      [
        { op: 'add', byMs: -5 },
        { type: 'adjusted', ...kept(39_995) },
      ],
      [{ op: 'add', byMs: -40_001 }, end],
      [{ op: 'add', byMs: 0 }, 'no-op'],
    ],
    multiply: [
      [
        { op: 'multiply', factor: 1.5 },
        { type: 'adjusted', ...kept(60_000) },
      ],
      [
        { op: 'multiply', factor: 0.0000125 },
        { type: 'adjusted', ...kept(1) },
      ], // half a ms
      [{ op: 'multiply', factor: 0 }, end],
      [{ op: 'multiply', factor: 1 }, 'no-op'],
    ],
  }) as const satisfies Record<string, Examples>
const stoppedCells = (kept: typeof idle | typeof paused) =>
  ({
    put: puts('replaced', base.createdAtMs),
    update,
    start: [
      [{ op: 'start' }, { type: 'started', ...running(40_000) }],
      [{ op: 'start' }, { type: 'completed', ...ended('command') }, { remainingMs: 0 }],
    ],
    pause: [[{ op: 'pause' }, 'no-op']],
    reset,
    restart,
    ...adjustments(kept, { type: 'adjusted', ...kept(0) }),
    extendIfWithin: [[extend, 'wrong_state']],
    delete: gone,
    fire: [[{ op: 'fire' }, 'no-op']],
  }) as const satisfies Record<Op | 'fire', Examples>

export const examples = {
  none: {
    put: puts('created', now),
    update: [[{ op: 'update' }, 'not_found']],
    start: [[{ op: 'start' }, 'not_found']],
    pause: [[{ op: 'pause' }, 'not_found']],
    reset: [[{ op: 'reset' }, 'not_found']],
    restart: [[{ op: 'restart' }, 'not_found']],
    set: [[{ op: 'set', remainingMs: 5 }, 'not_found']],
    add: [[{ op: 'add', byMs: 5 }, 'not_found']],
    multiply: [[{ op: 'multiply', factor: 5 }, 'not_found']],
    extendIfWithin: [[extend, 'not_found']],
    delete: [[{ op: 'delete' }, 'not_found']],
    fire: [[{ op: 'fire' }, 'not_found']],
  },
  idle: stoppedCells(idle),
  paused: stoppedCells(paused),
  running: {
    put: puts('replaced', base.createdAtMs),
    update,
    start: [[{ op: 'start' }, 'no-op']],
    pause: [[{ op: 'pause' }, { type: 'paused', ...paused(40_000) }]],
    reset,
    restart,
    ...adjustments(running, { type: 'completed', ...ended('command') }),
    extendIfWithin: [
      [extend, { type: 'extended', ...running(40_009) }],
      [{ ...extend, windowMs: 39_999 }, 'no-op'],
      [
        { ...extend, maxDeadlineMs: now + 40_004 },
        { type: 'extended', ...running(40_004) },
      ],
      [{ ...extend, maxDeadlineMs: now + 39_000 }, 'no-op'],
      [{ ...extend, byMs: -1 }, 'invalid_value'],
    ],
    delete: gone,
    fire: [
      [{ op: 'fire' }, { type: 'completed', ...ended('fire') }, { deadlineMs: now }],
      [{ op: 'fire' }, { type: 'completed', ...ended('fire', 5) }, { deadlineMs: 5 }],
      [{ op: 'fire' }, 'no-op', { deadlineMs: now + 1 }],
    ],
  },
  completed: {
    put: puts('replaced', base.createdAtMs),
    update,
    start: [[{ op: 'start' }, 'wrong_state']],
    pause: [[{ op: 'pause' }, 'wrong_state']],
    reset,
    restart,
    set: [
      [
        { op: 'set', remainingMs: 5 },
        { type: 'adjusted', ...paused(5) },
      ],
      [
        { op: 'set', deadlineMs: now + 5 },
        { type: 'adjusted', ...paused(5) },
      ],
      [{ op: 'set', remainingMs: 0 }, 'no-op'],
    ],
    add: [
      [
        { op: 'add', byMs: 5 },
        { type: 'adjusted', ...paused(5) },
      ],
      [{ op: 'add', byMs: -5 }, 'no-op'],
    ],
    multiply: [[{ op: 'multiply', factor: 5 }, 'no-op']],
    extendIfWithin: [[extend, 'wrong_state']],
    delete: gone,
    fire: [[{ op: 'fire' }, 'no-op']],
  },
} as const satisfies Record<TimerState | 'none', Record<Op | 'fire', Examples>>
