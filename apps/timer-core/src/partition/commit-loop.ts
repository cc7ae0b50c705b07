// mailbox → batch → append → apply → reply, with one append in flight: what comes while it flies gathers for
// the next one (group commit). Answers nothing before the log has it; judges nothing on what is not applied.

import type { Clock } from '@timers/shared/clock.ts'
import type { Refusal } from '@timers/shared/errors.ts'
import { recordFormat, type LogRecord } from '@timers/shared/log/record.ts'
import type { TimerEvent } from '@timers/shared/timer/event.ts'
import type { CommandResult, LogPosition } from '@timers/shared/timer/results.ts'
import { Alarm } from '../deadline/alarm.ts'
import type { Claim } from './acquire.ts'
import { Batch, type Verdict } from './batch.ts'
import type { Ledger } from './ledger.ts'
import type { Mailbox, Pending } from './mailbox.ts'
import type { AppendOutcome, PartitionLog, PartitionObserver } from './ports.ts'
import { alreadyAnswered, internal, logFull, unavailable } from './refusals.ts'
import type { Turns } from './turns.ts'

export interface CommitLoopDeps {
  readonly mailbox: Mailbox
  readonly log: PartitionLog
  readonly clock: Clock
  readonly turns: Turns
  readonly observer: PartitionObserver
  readonly applied: (event: TimerEvent, sequence: number) => void
  /** The outcome of an append is not known: the loop has stopped, and its commands wait, staged, in the mailbox. */
  readonly lost: () => void
}

/** After the log refused a batch: how long fires wait. */
const refusedAgainMs = 1000
/** Verdicts without events cost no room in a record, but a turn must end. */
const verdictsAtOnce = 2000

/** Fires are staged so many at a time: their bytes are known only then, and a batch ends at its limit. */
const firesBetweenLooks = 8

export class CommitLoop {
  readonly #node: string
  readonly #deps: CommitLoopDeps
  readonly #alarm: Alarm
  #claim: Claim | undefined
  #ledger: Ledger
  #flying: Promise<void> | undefined
  #turnComes = false
  #firesAgainAtMs = 0

  constructor(options: { readonly node: string; readonly ledger: Ledger }, deps: CommitLoopDeps) {
    this.#node = options.node
    this.#ledger = options.ledger
    this.#deps = deps
    this.#alarm = new Alarm({ clock: deps.clock, onDue: this.poke })
  }

  get running(): boolean {
    return this.#claim !== undefined
  }

  /** From now on `claim` is ours, and `ledger` what it stands on. */
  start(claim: Claim, ledger: Ledger): void {
    this.#claim = claim
    this.#ledger = ledger
    this.poke()
  }

  /** Stages nothing more; settles when nothing is in flight. */
  async stop(): Promise<void> {
    this.#halt()
    await this.#flying
  }

  /** Something waits. All that comes before this partition's turn goes into one batch. */
  readonly poke = (): void => {
    if (this.#claim === undefined || this.#flying !== undefined || this.#turnComes) return
    this.#turnComes = true
    this.#deps.turns.take({ run: this.#turn, isAwaited: () => this.#deps.mailbox.waiting > 0 })
  }

  readonly #turn = (): void => {
    this.#turnComes = false
    const claim = this.#claim
    if (claim === undefined || this.#flying !== undefined) return
    // Neither fires nor verdicts by a time that is not known; who pokes regularly pokes again.
    if (this.#deps.clock.errorMs() === Infinity) return
    const batch = this.#gather()
    if (batch.events.length > 0) {
      this.#flying = this.#append(batch, claim)
      return
    }
    this.#ledger.state.giveBackDue()
    this.#answer(batch.verdicts)
    if (this.#deps.mailbox.waiting > 0) this.poke()
    this.#armAlarm()
  }

  /** Commands up to half the room, fires into the rest, and commands into what those leave. */
  #gather(): Batch {
    const { state } = this.#ledger
    const batch = new Batch(state, Math.floor(this.#deps.clock.nowMs()))
    this.#gatherCommands(batch, 0.5)
    if (this.#deps.clock.monotonicMs() >= this.#firesAgainAtMs) {
      while (batch.hasRoom()) {
        const due = state.takeDue(batch.nowMs, firesBetweenLooks)
        if (due.length === 0) break
        for (const timer of due) batch.fire(timer)
      }
    }
    this.#gatherCommands(batch, 1)
    return batch
  }

  #gatherCommands(batch: Batch, share: number): void {
    while (batch.hasRoom(share) && batch.verdicts.length < verdictsAtOnce * share) {
      const pending = this.#deps.mailbox.shift()
      if (pending === undefined) return
      const { session, command } = pending
      const { repeats, partition } = this.#ledger
      const kept = repeats.find(session, command.n)
      if (kept !== undefined) this.#reply(pending, { ok: true, partition, ...kept })
      // Another owner may have done it while it waited here, and its result been dropped since.
      else if (repeats.wasAnswered(session, command.n)) batch.refuse(pending, alreadyAnswered)
      else if (command.notAfterMs < batch.nowMs)
        batch.refuse(pending, unavailable('Its time was up before its turn.'))
      else batch.command(pending)
    }
  }

  #append(batch: Batch, claim: Claim): Promise<void> {
    const { clock, log, mailbox, turns } = this.#deps
    const record = {
      format: recordFormat,
      term: claim.term,
      owner: this.#node,
      snapshotAt: 0,
      body: { kind: 'batch', nowMs: batch.nowMs, events: batch.events },
    } as const
    const sentAtMs = clock.monotonicMs()
    return new Promise((concluded) => {
      void log.append(record, this.#ledger.sequence, claim.connectionId).then((outcome) => {
        const tookMs = clock.monotonicMs() - sentAtMs
        const run = (): void => {
          this.#flying = undefined
          if (outcome.kind === 'committed') this.#apply(record, outcome.sequence, tookMs)
          this.#ledger.state.giveBackDue()
          this.#conclude(batch, outcome)
          concluded()
        }
        turns.take({ run, isAwaited: () => batch.verdicts.length > 0 || mailbox.waiting > 0 })
      })
    })
  }

  #apply(record: LogRecord, sequence: number, tookMs: number): void {
    const events = this.#ledger.apply({ sequence, record })
    this.#deps.observer.appended(events.length, tookMs)
    for (const event of events) this.#deps.applied(event, sequence)
  }

  #conclude(batch: Batch, outcome: AppendOutcome): void {
    const { clock, observer, mailbox } = this.#deps
    const { partition } = this.#ledger
    switch (outcome.kind) {
      case 'committed':
        this.#answer(batch.verdicts)
        break
      case 'refused':
        // Nothing of the batch is there, and a later verdict may stand on an earlier one: all are refused.
        observer.trouble(partition, 'The log refused a batch', outcome.detail)
        this.#firesAgainAtMs = clock.monotonicMs() + refusedAgainMs
        this.#answer(batch.verdicts, outcome.reason === 'full' ? logFull : internal(outcome.detail))
        break
      case 'unknown':
        observer.trouble(partition, 'The outcome of an append is not known', outcome.detail)
        for (const { pending } of batch.verdicts) pending.staged = true
        mailbox.unshift(batch.verdicts.map(({ pending }) => pending))
        this.#halt()
        this.#deps.lost()
        return
    }
    this.poke()
  }

  #answer(verdicts: readonly Verdict[], instead?: Refusal): void {
    const at = { partition: this.#ledger.partition, sequence: this.#ledger.sequence }
    for (const { pending, outcome } of verdicts) {
      if (instead !== undefined) this.#reply(pending, { ok: false, refusal: instead, ...at })
      else this.#reply(pending, this.#resultOf(pending, outcome, at))
    }
  }

  #resultOf(pending: Pending, outcome: Verdict['outcome'], at: LogPosition): CommandResult {
    switch (outcome.kind) {
      case 'event': {
        // As a repeat would be told it, so that both are told the same.
        const kept = this.#ledger.repeats.find(pending.session, pending.command.n)
        return { ok: true, type: outcome.event.type, timer: kept?.timer ?? outcome.event.timer, ...at }
      }
      case 'no-op':
        return { ok: true, type: null, timer: outcome.timer, ...at }
      case 'refusal':
        return { ok: false, refusal: outcome.refusal, ...at }
    }
  }

  #reply(pending: Pending, result: CommandResult): void {
    this.#deps.mailbox.forget(pending)
    pending.answer(result)
  }

  #armAlarm(): void {
    const heldForMs = this.#firesAgainAtMs - this.#deps.clock.monotonicMs()
    const heldUntilMs = heldForMs > 0 ? this.#deps.clock.nowMs() + heldForMs : 0
    this.#alarm.set(Math.max(this.#ledger.state.earliestDeadlineMs, heldUntilMs))
  }

  #halt(): void {
    this.#claim = undefined
    this.#alarm.set(Infinity)
  }
}
