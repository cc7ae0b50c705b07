// What a timer weighs in core, deadline and all: a million of them as a partition's state has them after their
// commands came over the wire, running, and packed when paused; against a million bare setTimeout.

import { bench, usedBytes } from '@timers/dev/bench-kit.ts'
import { CommandGroup } from '@timers/proto/timers/core/v1/core.ts'
import type { SentCommand } from '@timers/shared/timer/command.ts'
import { commandFromWire, commandToWire } from '@timers/shared/wire/command-wire.ts'
import { createPacking } from '@timers/shared/wire/timer-wire.ts'
import { judge } from '../timer/judge.ts'
import { PartitionState } from './state.ts'

const timers = 1_000_000
const partitionCount = 64
const atOnce = 1000

/** As the gRPC service gets them. */
function putsFrom(first: number): SentCommand[] {
  const commands = Array.from({ length: atOnce }, (_, i) => {
    const n = first + i
    return commandToWire({
      tenantId: 'default',
      timerId: `timer-${n.toString(36).padStart(6, '0')}`,
      n,
      notAfterMs: 0,
      actor: { type: 'operator', id: 'local' },
      requestId: `req_0123456789abcdef_${n.toString(36)}`,
      operation: {
        op: 'put',
        durationMs: 3_600_000 + n,
        autostart: true,
        title: '',
        labels: {},
        metadata: '',
        retentionMs: 30 * 86_400_000,
      },
    })
  })
  const group = { partition: 0, session: '0123456789abcdef', answeredBelow: 0, commands }
  return CommandGroup.decode(CommandGroup.encode(group).finish()).commands.map(commandFromWire)
}

/** Bytes a timer. */
function weigh(then?: 'pause'): number {
  const bytesBefore = usedBytes()
  const partitions = Array.from({ length: partitionCount }, () => new PartitionState(createPacking()))
  const nowMs = Date.now()
  for (let first = 0; first < timers; first += atOnce) {
    for (const [i, command] of putsFrom(first).entries()) {
      const state = partitions[(first + i) % partitionCount]
      const { events, timer } = judge(undefined, command, nowMs + first, 0, '')
      for (const event of events) state?.apply(event)
      if (then === undefined) continue
      const paused = judge(timer, { ...command, operation: { op: then } }, nowMs + first + 1, 0, '')
      for (const event of paused.events) state?.apply(event)
    }
  }
  const bytes = usedBytes() - bytesBefore
  // They must have lived until here.
  const [some] = partitions[0]?.timersOf('default') ?? []
  if (some?.state !== (then === undefined ? 'running' : 'paused')) throw new Error('there is no such timer')
  return bytes / timers
}

function weighTimeouts(): number {
  const timeouts = Array.from<NodeJS.Timeout | undefined>({ length: timers }).fill(undefined)
  const bytesBefore = usedBytes()
  for (let i = 0; i < timers; i += 1) timeouts[i] = setTimeout(() => undefined, 3_600_000 + i)
  const bytes = usedBytes() - bytesBefore
  for (const timeout of timeouts) clearTimeout(timeout)
  return bytes / timers
}

await bench({
  name: 'memory',
  rows: {
    running: {
      unit: 'B',
      goal: { of: 'ours', is: '≤', value: 400 },
      note: 'ids of 12 characters, 24 for the request that set the deadline',
    },
    packed: { unit: 'B', goal: { of: 'ours', is: '≤', value: 250 } },
  },
  ours: () => ({ running: weigh(), packed: weigh('pause') }),
  floor: () => {
    const bytes = weighTimeouts()
    return { running: bytes, packed: bytes }
  },
})
