// What one run is made of, all of it from the seed: the world, what clients ask, what goes wrong. Each question and
// each fault can be left out, so that a violation can be told by what it needs.

import type { Operation } from '@timers/shared/timer/command.ts'
import type { Fault } from './deeds.ts'
import { drawFaults } from './faults.ts'
import { Random } from './machine/random.ts'

export interface Scenario {
  readonly seed: number
  readonly partitionCount: number
  readonly nodes: number
  readonly clients: number
  /** Faults and questions come before it; after it the world is whole, and rests for `calmMs`. */
  readonly chaosMs: number
  readonly calmMs: number
  readonly timers: readonly TimerName[]
  readonly faults: readonly Fault[]
  readonly questions: readonly Plan[]
}

export interface TimerName {
  readonly tenantId: string
  readonly timerId: string
}

/** An operation whose instants are told from when it is sent. */
export type PlannedOperation = (nowMs: number) => Operation

export interface PlannedCommand {
  readonly timer: TimerName
  readonly op: Operation['op']
  readonly operation: PlannedOperation
  /** `seen`: the version this client was told last, plus this. */
  readonly ifSeenPlus?: number
  readonly ifAbsent?: boolean
}

export interface Plan {
  /** Its place in the whole scenario. */
  readonly id: number
  readonly atMs: number
  readonly client: number
  readonly withinMs: number
  /** Several go in one call. */
  readonly commands: readonly PlannedCommand[]
  /** Instead of commands: a GET, which waits for news for so long. */
  readonly get?: { readonly timer: TimerName; readonly waitMs: number }
}

export function scenarioOf(seed: number): Scenario {
  const random = new Random(seed).of('scenario')
  const partitionCount = random.integer(1, 3)
  const nodes = random.integer(2, 4)
  const clients = random.integer(1, 3)
  const chaosMs = random.between(8000, 20_000)
  const timers = timersOf(random, random.integer(2, 5))
  const questions = Array.from({ length: random.integer(20, 70) }, (_, id) =>
    draw(random, id, { chaosMs, clients, timers }),
  )
  const faults = drawFaults(random.of('faults'), { partitionCount, nodes, clients, chaosMs })
  // A log that was full is looked at again after half a minute.
  const calmMs = faults.some(({ kind }) => kind === 'full') ? 34_000 : 14_000
  return { seed, partitionCount, nodes, clients, chaosMs, calmMs, timers, faults, questions }
}

function timersOf(random: Random, count: number): TimerName[] {
  return Array.from({ length: count }, (_, i) => ({ tenantId: random.pick(['a', 'b']), timerId: `t${i}` }))
}

function draw(
  random: Random,
  id: number,
  world: { readonly chaosMs: number; readonly clients: number; readonly timers: readonly TimerName[] },
): Plan {
  // Soon some timers are there.
  const isEarly = id < 2 * world.timers.length
  const plan = {
    id,
    atMs: random.between(700, isEarly ? 2500 : world.chaosMs),
    client: random.integer(0, world.clients - 1),
    withinMs: Math.floor(random.pick([300, 1500, 5000, 10_000]) * random.between(0.5, 1)),
  }
  if (!isEarly && random.chance(0.3)) {
    const waitMs = random.chance(0.2) ? random.integer(100, 4000) : 0
    return { ...plan, commands: [], get: { timer: random.pick(world.timers), waitMs } }
  }
  const count = random.chance(0.15) ? random.integer(2, 4) : 1
  return {
    ...plan,
    commands: Array.from({ length: count }, () => drawCommand(random, random.pick(world.timers), isEarly)),
  }
}

function drawCommand(random: Random, timer: TimerName, isPut: boolean): PlannedCommand {
  const op = isPut
    ? 'put'
    : random.weighted({
        ...{ put: 8, start: 4, pause: 4, reset: 2, restart: 3, set: 2, add: 5, multiply: 1 },
        ...{ extendIfWithin: 2, delete: 3, update: 3 },
      } satisfies Record<Operation['op'], number>)
  const condition = random.next()
  return {
    timer,
    op,
    operation: drawOperation(random, op),
    ...(condition < 0.1 ? { ifSeenPlus: random.pick([0, 0, 0, -1, 1]) } : {}),
    ...(condition > 0.9 && op === 'put' ? { ifAbsent: true } : {}),
  }
}

function drawOperation(random: Random, op: Operation['op']): PlannedOperation {
  const ms = random.integer(0, random.pick([200, 2000, 12_000]))
  switch (op) {
    case 'put':
      return drawPut(random, ms)
    case 'update':
      return fixed({ op, title: `title ${random.integer(1, 3)}` })
    case 'set':
      return random.chance(0.7) ? fixed({ op, remainingMs: ms }) : (nowMs) => ({ op, deadlineMs: nowMs + ms })
    case 'add':
      return fixed({ op, byMs: random.integer(-1000, 4000) })
    case 'multiply':
      return fixed({ op, factor: random.pick([0, 0.5, 1, 2]) })
    case 'extendIfWithin':
      return fixed({ op, windowMs: random.integer(0, 5000), byMs: random.integer(1, 3000) })
    case 'start':
    case 'pause':
    case 'reset':
    case 'restart':
    case 'delete':
      return fixed({ op })
  }
}

function drawPut(random: Random, ms: number): PlannedOperation {
  const rest = { op: 'put', title: '', labels: {}, metadata: '', retentionMs: 0 } as const
  const kind = random.next()
  if (kind < 0.15) return (nowMs) => ({ ...rest, autostart: true, deadlineMs: nowMs + ms })
  if (kind < 0.25) return (nowMs) => ({ ...rest, autostart: true, deadlineMs: nowMs - ms })
  return fixed({ ...rest, autostart: kind < 0.85, durationMs: ms })
}

function fixed(operation: Operation): PlannedOperation {
  return () => operation
}
