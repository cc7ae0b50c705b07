// mailbox → batch → append → apply → reply, with one append in flight: what comes while it flies gathers for
// the next one (group commit). Answers nothing before the log has it, and what changes nothing only while the log
// has just said that this node owns it; judges nothing on what is not applied.

import type { Clock } from '@timers/shared/clock.ts'
import type { Refusal } from '@timers/shared/errors.ts'
import { recordFormat, type LogRecord, type RecordBody } from '@timers/shared/log/record.ts'
import type { TimerEvent } from '@timers/shared/timer/event.ts'
import type { CommandResult } from '@timers/shared/timer/results.ts'
import { Alarm } from '../deadline/alarm.ts'
import type { LogRoom } from '../snapshot/room.ts'
import type { Claim } from './acquire.ts'
import { Batch, type Verdict } from './batch.ts'
import type { Confirmation, Instant } from './confirmation.ts'
import type { Ledger } from './ledger.ts'
import type { Mailbox, Pending } from './mailbox.ts'
import type { AppendOutcome, PartitionLog, PartitionObserver } from './ports.ts'
import type { Reader } from './reader.ts'
import { alreadyAnswered, internal, logFull, unavailable, unconfirmed } from './refusals.ts'
import { resultOf } from './result.ts'
import type { Turns } from './turns.ts'

export interface CommitLoopDeps {
  readonly mailbox: Mailbox
  readonly log: PartitionLog
  readonly clock: Clock
  readonly turns: Turns
  readonly observer: PartitionObserver
  readonly confirmation: Confirmation
  /** Its reads wait for the same word of the log as what changes nothing. */
  readonly reader: Reader
  readonly room: LogRoom
  readonly applied: (event: TimerEvent, sequence: number) => void
  /**
   * The outcome of the append sent then (monotonic) is not known: the loop has stopped, and its commands wait,
   * staged, in the mailbox.
   */
  readonly lost: (sentAtMs: number) => void
  /** A bug, in what is judged or applied: the loop has stopped, and nothing is to be built on the state. */
  readonly faulted: (bug: unknown) => void
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
  /** Whether the outcome of the append in flight was known. */
  #flying: Promise<boolean> | undefined
  #turnComes = false
  #firesAgainAtMs = 0
  #cancelHold: (() => void) | undefined
  /** A record between two batches. */
  #alone: { readonly body: RecordBody; readonly done: (committed: boolean) => void } | undefined

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

  /** Stages nothing more, awaits what is in flight, and says in the log that this node gives the partition up. */
  async release(to: string): Promise<void> {
    const claim = this.#claim
    this.#halt()
    if ((await this.#flying) === false || claim === undefined) return
    const record = this.#recordOf(claim, { kind: 'release', to })
    const outcome = await this.#deps.log.append(record, this.#ledger.sequence, claim.connectionId)
    if (outcome.kind === 'committed') this.#ledger.apply({ sequence: outcome.sequence, record })
    else this.#deps.observer.trouble(this.#ledger.partition, 'A Release was not taken', outcome.detail)
  }

  /** Between two batches. False: it is not in the log, as far as is known. One at a time. */
  append(body: RecordBody): Promise<boolean> {
    if (!this.running || this.#alone !== undefined) return Promise.resolve(false)
    return new Promise((done) => {
      this.#alone = { body, done }
      this.poke()
    })
  }

  /** Something waits. All that comes before this partition's turn goes into one batch. */
  readonly poke = (): void => {
    if (this.#claim === undefined || this.#flying !== undefined || this.#turnComes) return
    this.#turnComes = true
    this.#deps.turns.take({ run: this.#turn, isAwaited: () => this.isAwaited })
  }

  /** Whether somebody waits for this partition to get on. */
  get isAwaited(): boolean {
    return this.#deps.mailbox.waiting > 0 || this.#deps.reader.asked
  }

  readonly #turn = (): void => {
    this.#turnComes = false
    const claim = this.#claim
    if (claim === undefined || this.#flying !== undefined) return
    // Neither fires nor verdicts by a time that is not known; who pokes regularly pokes again.
    if (this.#deps.clock.errorMs() === Infinity) return
    const { confirmation, reader, mailbox, room } = this.#deps
    const heldForMs = confirmation.heldForMs
    const batch = new Batch(this.#ledger.state, Math.floor(this.#deps.clock.nowMs()))
    const sound = this.#isSound(() => {
      this.#gather(batch, heldForMs > 0)
    })
    if (!sound) return
    const asked = heldForMs === 0 && (batch.verdicts.length > 0 || reader.asked)
    const needsBeat = asked && !confirmation.holds
    if (batch.events.length > 0 || this.#alone !== undefined || (needsBeat && room.takes('beats'))) {
      this.#flying = this.#append(batch, claim)
      return
    }
    this.#ledger.state.giveBackDue()
    this.#answer(batch.verdicts, needsBeat ? logFull : undefined)
    if (needsBeat) reader.refused(unconfirmed)
    else if (reader.asked) reader.confirmed()
    if (heldForMs > 0) this.#holdFor(heldForMs)
    else if (mailbox.waiting > 0) this.poke()
    this.#armAlarm()
  }

  #holdFor(heldForMs: number): void {
    this.#cancelHold ??= this.#deps.clock.after(Math.ceil(heldForMs), () => {
      this.#cancelHold = undefined
      this.poke()
    })
  }

  /**
   * Commands up to half the room, fires into the rest, and commands into what those leave. While the owner before
   * may still answer, fires only: nobody is told of them. Nothing while a record waits that goes alone.
   */
  #gather(batch: Batch, firesOnly: boolean): void {
    const { state } = this.#ledger
    const { clock, room } = this.#deps
    if (this.#alone !== undefined) return
    if (!firesOnly) this.#gatherCommands(batch, 0.5)
    const monotonicMs = clock.monotonicMs()
    if (!room.takes('fires')) this.#firesAgainAtMs = monotonicMs + refusedAgainMs
    if (monotonicMs >= this.#firesAgainAtMs) {
      while (batch.hasRoom()) {
        const due = state.takeDue(batch.nowMs, firesBetweenLooks)
        if (due.length === 0) break
        for (const timer of due) batch.fire(timer)
      }
    }
    if (!firesOnly) this.#gatherCommands(batch, 1)
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
      // Nothing is done, whoever owns the partition by now: so it needs no Beat, which would fill the log further.
      else if (!this.#deps.room.takes('commands'))
        this.#reply(pending, { ok: false, refusal: logFull, partition, sequence: this.#ledger.sequence })
      else batch.command(pending)
    }
  }

  /** A batch without events is a Beat, unless a record waits that goes alone. */
  #append(batch: Batch, claim: Claim): Promise<boolean> {
    const { confirmation, log, room, turns } = this.#deps
    const { nowMs, events } = batch
    const alone = this.#alone
    this.#alone = undefined
    const body = alone?.body ?? (events.length > 0 ? { kind: 'batch', nowMs, events } : { kind: 'beat' })
    const record = this.#recordOf(claim, body)
    const sent = confirmation.now()
    return new Promise((concluded) => {
      void log.append(record, this.#ledger.sequence, claim.connectionId).then((outcome) => {
        const tookMs = confirmation.now().monotonicMs - sent.monotonicMs
        const run = (): void => {
          this.#flying = undefined
          if (outcome.kind === 'committed') room.appended(outcome.bytes)
          // Should it fault now, or not be known: only the log can tell.
          for (const { pending } of batch.verdicts) pending.staged = true
          const sound = outcome.kind !== 'committed' || this.#apply(record, outcome.sequence, tookMs)
          alone?.done(sound && outcome.kind === 'committed')
          if (sound) this.#conclude(batch, sent, outcome)
          concluded(sound && outcome.kind !== 'unknown')
        }
        turns.take({ run, isAwaited: () => batch.verdicts.length > 0 || this.isAwaited })
      })
    })
  }

  #recordOf({ term }: Claim, body: RecordBody): LogRecord {
    const snapshotAt = body.kind === 'snapshotTaken' ? body.sequence : this.#ledger.snapshotAt
    return { format: recordFormat, term, owner: this.#node, snapshotAt, body }
  }

  #apply(record: LogRecord, sequence: number, tookMs: number): boolean {
    let events: readonly TimerEvent[] = []
    const sound = this.#isSound(() => {
      events = this.#ledger.apply({ sequence, record })
    })
    if (!sound) return false
    this.#deps.observer.appended(events.length, tookMs)
    for (const event of events) this.#deps.applied(event, sequence)
    return true
  }

  /** False after a bug in what it runs: of this partition, so the others go on. */
  #isSound(run: () => void): boolean {
    try {
      run()
      return true
    } catch (bug) {
      this.#halt()
      this.#deps.faulted(bug)
      return false
    }
  }

  #conclude(batch: Batch, sent: Instant, outcome: AppendOutcome): void {
    const { clock, observer, mailbox, confirmation, reader } = this.#deps
    const { partition, state } = this.#ledger
    state.giveBackDue()
    switch (outcome.kind) {
      case 'committed':
        confirmation.confirmed(sent)
        this.#answer(batch.verdicts)
        reader.confirmed()
        break
      case 'refused':
        // Nothing of the batch is there, and a later verdict may stand on an earlier one: all are refused.
        observer.trouble(partition, 'The log refused a batch', outcome.detail)
        this.#firesAgainAtMs = clock.monotonicMs() + refusedAgainMs
        this.#answer(batch.verdicts, outcome.reason === 'full' ? logFull : internal(outcome.detail))
        if (batch.events.length === 0) reader.refused(unconfirmed)
        break
      case 'unknown':
        observer.trouble(partition, 'The outcome of an append is not known', outcome.detail)
        mailbox.unshift(batch.verdicts.map(({ pending }) => pending))
        this.#halt()
        this.#deps.lost(sent.monotonicMs)
        return
    }
    this.poke()
  }

  #answer(verdicts: readonly Verdict[], instead?: Refusal): void {
    const { partition, sequence, repeats } = this.#ledger
    const at = { partition, sequence }
    for (const verdict of verdicts) {
      this.#reply(verdict.pending, resultOf(verdict, at, repeats, instead))
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
    this.#alone?.done(false)
    this.#alone = undefined
    this.#deps.confirmation.lost()
    this.#cancelHold?.()
    this.#cancelHold = undefined
    this.#alarm.set(Infinity)
  }
}
