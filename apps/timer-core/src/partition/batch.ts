// Judges commands and due timers against what is applied plus what this batch has staged, and gathers the
// events of one record. Changes nothing: the partition applies them when the log has them.

import type { Refusal } from '@timers/shared/errors.ts'
import type { RecordEvent } from '@timers/shared/log/record.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'
import { judge } from '../timer/judge.ts'
import { fireOf, isDue, type Outcome } from '../timer/transition.ts'
import type { Pending } from './mailbox.ts'
import { internal } from './refusals.ts'
import type { PartitionState } from './state.ts'

/** A batch closes at the first of these; one record stays below the 512 KiB a broker must take. */
export const batchLimits = { events: 1000, bytes: 256 * 1024 } as const

/** What the judging of one command came to, to be told when the batch is committed. */
export interface Verdict {
  readonly pending: Pending
  readonly outcome: Outcome
}

export class Batch {
  readonly nowMs: number
  readonly events: RecordEvent[] = []
  readonly verdicts: Verdict[] = []
  #bytes = 0
  readonly #state: PartitionState
  /** The timers this batch has changed, by their newest event. */
  readonly #staged = new Map<string, RecordEvent>()
  #versionFloor: number

  constructor(state: PartitionState, nowMs: number) {
    this.#state = state
    this.nowMs = nowMs
    this.#versionFloor = state.versionFloor
  }

  /** Whether another command or firing fits; `share` is the part of the whole that may be used. */
  hasRoom(share = 1): boolean {
    // A command makes at most three events, a timer due before it among them.
    return this.events.length + 3 <= batchLimits.events * share && this.#bytes < batchLimits.bytes * share
  }

  command(pending: Pending): void {
    const { command, session } = pending
    const key = keyOf(command)
    const staged = this.#staged.get(key)
    const timer = staged === undefined ? this.#state.get(command.tenantId, command.timerId) : left(staged)
    let judged
    try {
      judged = judge(timer, command, this.nowMs, this.#versionFloor, this.#setBy(timer, staged))
    } catch (bug) {
      // Nothing of it is staged; the others of the batch go on.
      this.refuse(pending, internal(bug))
      return
    }
    // An overdue firing before the command is the clock's own; one after it (a Put into the past) is its doing.
    let before = true
    for (const event of judged.events) {
      if (event.cause.actor.type !== 'clock') before = false
      this.#stage(key, before ? { ...event, session: '', n: 0 } : { ...event, session, n: command.n })
    }
    this.verdicts.push({ pending, outcome: judged.outcome })
  }

  fire(due: Timer): void {
    const key = keyOf(due)
    const staged = this.#staged.get(key)
    const timer = staged === undefined ? due : left(staged)
    if (timer === undefined) return
    const firing = fireOf(timer, this.#setBy(timer, staged))
    for (const event of judge(timer, firing, this.nowMs, 0, '').events) {
      this.#stage(key, { ...event, session: '', n: 0 })
    }
  }

  refuse(pending: Pending, refusal: Refusal): void {
    this.verdicts.push({ pending, outcome: { kind: 'refusal', refusal } })
  }

  /** Asked for what is due only: nobody else's firing is told of. */
  #setBy(timer: Timer | undefined, staged: RecordEvent | undefined): string {
    if (timer === undefined || !isDue(timer, this.nowMs)) return ''
    return staged?.cause.requestId ?? this.#state.deadlineSetBy(timer.tenantId, timer.timerId)
  }

  #stage(key: string, event: RecordEvent): void {
    this.events.push(event)
    this.#bytes += mostBytes(event)
    this.#staged.set(key, event)
    if (event.type === 'deleted') this.#versionFloor = Math.max(this.#versionFloor, event.timer.version)
  }
}

function keyOf({ tenantId, timerId }: { readonly tenantId: string; readonly timerId: string }): string {
  return `${tenantId}/${timerId}`
}

/** What an event has left of the timer. */
function left({ type, timer }: RecordEvent): Timer | undefined {
  return type === 'deleted' ? undefined : timer
}

/** No event encodes to more than this: three bytes a UTF-16 unit, and room for the numbers. */
function mostBytes({ timer, cause }: RecordEvent): number {
  let units = timer.title.length + timer.metadata.length
  for (const key in timer.labels) units += key.length + (timer.labels[key]?.length ?? 0) + 4
  return 200 + timer.tenantId.length + timer.timerId.length + cause.requestId.length + 3 * units
}
