// How commands come in: those that are done already are told so, those that wait are joined, the others stand in
// line. Judges nothing; what waits too long without an owner is refused here.

import type { Clock } from '@timers/shared/clock.ts'
import type { Refusal } from '@timers/shared/errors.ts'
import type { SentCommand } from '@timers/shared/timer/command.ts'
import type { Refused } from '@timers/shared/timer/results.ts'
import { partitionLimits } from './limits.ts'
import { OpenGroup, Pending, type CommandGroup, type GroupOutcome, type Mailbox } from './mailbox.ts'
import { alreadyAnswered, outcomeUnknown, unavailable, unowned } from './refusals.ts'
import type { Standing } from './standing.ts'

export interface IntakeDeps {
  readonly mailbox: Mailbox
  readonly clock: Clock
}

export class Intake {
  readonly #standing: Standing
  readonly #deps: IntakeDeps

  constructor(standing: Standing, deps: IntakeDeps) {
    this.#standing = standing
    this.#deps = deps
  }

  /** `done` is told once. */
  submit(group: CommandGroup, done: (outcome: GroupOutcome) => void): void {
    const nowMs = this.#deps.clock.nowMs()
    const { repeats } = this.#standing.ledger
    repeats.answeredBelow(group.session, group.answeredBelow, nowMs)
    const open = new OpenGroup(group.commands.length, done)
    for (const command of group.commands) this.#take(group.session, command, open, nowMs)
  }

  /** While nobody owns it: refuses what has waited too long. */
  tick(): void {
    const { clock, mailbox } = this.#deps
    const nowMs = clock.nowMs()
    const troubled = this.#isTroubled()
    const late = mailbox.removeWhere(({ staged, command }) =>
      staged ? command.notAfterMs < nowMs : troubled,
    )
    for (const pending of late) pending.answer(this.#refused(pending.staged ? outcomeUnknown : unowned))
  }

  /** Gives back all that waits. */
  close(owner: string | undefined): void {
    for (const pending of this.#deps.mailbox.takeAll()) pending.giveUp(owner)
  }

  #take(session: string, command: SentCommand, open: OpenGroup, nowMs: number): void {
    const { mailbox } = this.#deps
    const { partition, ledger, settled, leaving, otherOwner } = this.#standing
    const { repeats } = ledger
    const { n } = command
    if (leaving) {
      open.giveUp(n, otherOwner, false)
      return
    }
    // Before that, an owner that does not know of it may still tell the state before it.
    const kept = settled ? repeats.find(session, n) : undefined
    if (kept !== undefined) open.answer(n, { ok: true, partition, ...kept })
    else if (repeats.wasAnswered(session, n)) {
      open.answer(n, this.#refused(alreadyAnswered))
    } else if (command.notAfterMs > nowMs + partitionLimits.notAfterMs + partitionLimits.troubledMs) {
      open.answer(n, this.#refused({ code: 'invalid_value', detail: 'notAfter is more than 30 s ahead.' }))
    } else {
      const waiting = mailbox.find(session, n)
      if (waiting !== undefined) waiting.join(open)
      else if (this.#isTroubled()) open.answer(n, this.#refused(unowned))
      else if (
        repeats.size >= partitionLimits.commands ||
        !mailbox.push(new Pending(session, command, open))
      ) {
        open.answer(n, this.#refused(unavailable('Too many commands wait for this partition.')))
      }
    }
  }

  /** Nobody has owned it for so long that nobody is kept waiting. */
  #isTroubled(): boolean {
    const { serving, unownedSinceMs } = this.#standing
    return !serving && this.#deps.clock.monotonicMs() - unownedSinceMs >= partitionLimits.troubledMs
  }

  #refused(refusal: Refusal): Refused {
    const { partition, ledger } = this.#standing
    return { ok: false, refusal, partition, sequence: ledger.sequence }
  }
}
