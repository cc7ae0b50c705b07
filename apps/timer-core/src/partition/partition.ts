// One partition on this node: who may send it commands and reads, and when. The commit loop changes it, the
// ledger is what its log says, acquire takes it over. Never answers from a state it does not own.

import { pause, type Clock } from '@timers/shared/clock.ts'
import type { Refusal } from '@timers/shared/errors.ts'
import { recordFormat } from '@timers/shared/log/record.ts'
import type { SentCommand } from '@timers/shared/timer/command.ts'
import type { TimerEvent } from '@timers/shared/timer/event.ts'
import type { Refused, ScanPage, Selection } from '@timers/shared/timer/results.ts'
import { acquire, type Claim } from './acquire.ts'
import { CommitLoop } from './commit-loop.ts'
import { Ledger, type LedgerOptions } from './ledger.ts'
import { Mailbox, OpenGroup, Pending, type CommandGroup, type GroupOutcome } from './mailbox.ts'
import type { Packing, PartitionLog, PartitionObserver } from './ports.ts'
import { notFound, WaitingReads, type GetOutcome, type GetRequest } from './reads.ts'
import { alreadyAnswered, outcomeUnknown, unavailable } from './refusals.ts'
import { scanPages } from './scan.ts'
import type { PartitionState } from './state.ts'
import type { Turns } from './turns.ts'

export interface PartitionOptions extends LedgerOptions {
  /** This node's name. */
  readonly node: string
}

export interface PartitionDeps {
  readonly log: PartitionLog
  readonly clock: Clock
  /** Of all partitions of the node. */
  readonly turns: Turns
  readonly random: () => number
  /** 64 random bits as 16 hexadecimal digits. */
  readonly newTerm: () => string
  readonly packing: Packing
  readonly observer: PartitionObserver
  /** Whether placement names this node. */
  readonly mine: () => boolean
  /** After an event is applied to a partition that is served: for ticks. */
  readonly applied: (event: TimerEvent) => void
}

export const partitionLimits = {
  /** Commands that wait or are staged, and as many results that are remembered. */
  commands: 100_000,
  /** Reads that wait for a newer version, and as many that wait for an owner. */
  reads: 10_000,
  /** Without an owner for so long, what is not staged is refused instead of kept waiting. */
  troubledMs: 3_000,
  /** How far ahead a command's notAfter may lie. */
  notAfterMs: 30_000,
  /** How long a read may wait for a newer version. */
  waitMs: 30_000,
} as const

export class Partition {
  readonly #options: PartitionOptions
  readonly #deps: PartitionDeps
  readonly #mailbox = new Mailbox(partitionLimits.commands)
  readonly #newerReads = new WaitingReads(partitionLimits.reads)
  readonly #ownedReads = new WaitingReads(partitionLimits.reads)
  readonly #loop: CommitLoop
  readonly #closing = new AbortController()
  #ledger: Ledger
  #claim: Claim | undefined
  #acquiring: Promise<void> | undefined
  #closed = false
  /** Monotonic; since when nobody owns it as far as this node knows. */
  #unownedSinceMs: number
  #forgetAtMs = 0

  constructor(options: PartitionOptions, deps: PartitionDeps) {
    this.#options = options
    this.#deps = deps
    this.#ledger = this.#freshLedger()
    this.#unownedSinceMs = deps.clock.monotonicMs()
    this.#loop = new CommitLoop(
      { node: options.node, ledger: this.#ledger },
      {
        ...deps,
        mailbox: this.#mailbox,
        applied: (event, sequence) => {
          deps.applied(event)
          this.#newerReads.wake(event, sequence)
          const { timer } = event
          if (timer.completedBy === 'fire' && event.type === 'completed') {
            deps.observer.fired(timer.completedAtMs - timer.deadlineMs)
          }
        },
        // Nobody waits for it: what it may reject with is told to the observer.
        lost: () => void this.acquire().catch(() => undefined),
      },
    )
  }

  /** Whether this node may say that it owns the partition. */
  get serving(): boolean {
    // On another connection the Takeover may have been followed by somebody else's, and nobody told us.
    return this.#loop.running && this.#claim?.connectionId === this.#deps.log.connectionId()
  }
  /** It will never serve again. */
  get closed(): boolean {
    return this.#closed
  }
  /** Commands that wait to be judged. */
  get waiting(): number {
    return this.#mailbox.waiting
  }
  get state(): PartitionState {
    return this.#ledger.state
  }
  get sequence(): number {
    return this.#ledger.sequence
  }
  get term(): string {
    return this.#claim?.term ?? ''
  }

  /** Reads the log and takes the partition over, or closes. Rejects, closed, when the log is damaged. */
  acquire(): Promise<void> {
    this.#acquiring ??= this.#acquire().finally(() => {
      this.#acquiring = undefined
    })
    return this.#acquiring
  }

  /** `done` is told once: when the log has what it changed, or when it is refused or given back. */
  submit(group: CommandGroup, done: (outcome: GroupOutcome) => void): void {
    const nowMs = this.#deps.clock.nowMs()
    this.#ledger.repeats.answeredBelow(group.session, group.answeredBelow, nowMs)
    const open = new OpenGroup(group.commands.length, done)
    for (const command of group.commands) this.#take(group.session, command, open, nowMs)
    this.#loop.poke()
  }

  get(request: GetRequest): Promise<GetOutcome> {
    if (this.#closed) return Promise.resolve({ kind: 'notOwner', owner: this.#otherOwner })
    return new Promise((resolve) => {
      if (this.serving) {
        this.#read(request, resolve)
        return
      }
      const full = !this.#ownedReads.add(request, this.#unownedSinceMs + partitionLimits.troubledMs, resolve)
      if (full) resolve(this.#refusedRead(unavailable('Too many reads wait for this partition.')))
    })
  }

  /** Undefined when this node does not own the partition. Between pages the caller lets others run. */
  scan(tenantId: string, selection: Selection): Iterable<ScanPage> | undefined {
    if (!this.serving) return undefined
    const { sequence, state, term } = this
    return scanPages(state, { partition: this.#options.partition, sequence, term }, tenantId, selection)
  }

  /** Call it a few times a second: ends what has waited too long. */
  tick(): void {
    const monotonicMs = this.#deps.clock.monotonicMs()
    const nowMs = this.#deps.clock.nowMs()
    this.#newerReads.end((request, untilMs) => (untilMs <= monotonicMs ? this.#asItIs(request) : undefined))
    if (monotonicMs >= this.#forgetAtMs) {
      this.#forgetAtMs = monotonicMs + 1000
      this.#ledger.repeats.forgetExpired(nowMs)
    }
    if (this.serving) return
    if (this.#loop.running) void this.#reacquire()
    const unowned = unavailable('Nobody owns this partition at the moment.')
    this.#ownedReads.end((_, untilMs) => (untilMs <= monotonicMs ? this.#refusedRead(unowned) : undefined))
    const troubled = monotonicMs - this.#unownedSinceMs >= partitionLimits.troubledMs
    const late = this.#mailbox.removeWhere(({ staged, command }) =>
      staged ? command.notAfterMs < nowMs : troubled,
    )
    for (const pending of late) pending.answer(this.#refused(pending.staged ? outcomeUnknown : unowned))
  }

  /** Stages nothing more, awaits the append in flight, gives back what waits. `owner` is to serve it now. */
  async release(owner: string | undefined): Promise<void> {
    this.#closing.abort()
    await this.#loop.stop()
    await this.#acquiring?.catch(() => undefined)
    this.#close(owner)
  }

  #take(session: string, command: SentCommand, open: OpenGroup, nowMs: number): void {
    const { repeats } = this.#ledger
    const { n } = command
    const kept = repeats.find(session, n)
    if (kept !== undefined) open.answer(n, { ok: true, partition: this.#options.partition, ...kept })
    else if (this.#closed || this.#closing.signal.aborted) open.giveUp(n, this.#otherOwner, false)
    else if (repeats.wasAnswered(session, n)) {
      open.answer(n, this.#refused(alreadyAnswered))
    } else if (command.notAfterMs > nowMs + partitionLimits.notAfterMs + partitionLimits.troubledMs) {
      open.answer(n, this.#refused({ code: 'invalid_value', detail: 'notAfter is more than 30 s ahead.' }))
    } else {
      const waiting = this.#mailbox.find(session, n)
      if (waiting !== undefined) waiting.join(open)
      else if (
        repeats.size >= partitionLimits.commands ||
        !this.#mailbox.push(new Pending(session, command, open))
      ) {
        open.answer(n, this.#refused(unavailable('Too many commands wait for this partition.')))
      }
    }
  }

  #read(request: GetRequest, done: (outcome: GetOutcome) => void): void {
    const now = this.#asItIs(request)
    const { afterVersion, waitMs } = request
    if (
      now.kind !== 'found' ||
      afterVersion === undefined ||
      now.timer.version > afterVersion ||
      waitMs <= 0
    ) {
      done(now)
      return
    }
    const untilMs = this.#deps.clock.monotonicMs() + Math.min(waitMs, partitionLimits.waitMs)
    if (!this.#newerReads.add(request, untilMs, done)) {
      done(this.#refusedRead(unavailable('Too many reads wait for this partition.')))
    }
  }

  #asItIs({ tenantId, timerId }: GetRequest): GetOutcome {
    if (!this.serving) return { kind: 'notOwner', owner: this.#otherOwner }
    const timer = this.state.get(tenantId, timerId)
    return timer === undefined ? notFound(this.sequence) : { kind: 'found', timer, sequence: this.sequence }
  }

  async #reacquire(): Promise<void> {
    await this.#loop.stop()
    // It may have been found out by an append meanwhile. What acquire() rejects with is told to the observer.
    if (!this.#closed && !this.#loop.running) await this.acquire().catch(() => undefined)
  }

  async #acquire(): Promise<void> {
    const { clock, observer } = this.#deps
    const { partition, node, dataId, partitionCount } = this.#options
    const startedAtMs = clock.monotonicMs()
    this.#unownedSinceMs = startedAtMs
    const owner = { format: recordFormat, owner: node, snapshotAt: 0 }
    try {
      const acquired = await acquire(partition, this.#ledger, {
        ...this.#deps,
        freshLedger: () => this.#freshLedger(),
        takeover: (term) => ({ ...owner, term, body: { kind: 'takeover', dataId, partitionCount } }),
        wait: (delayMs) => pause(clock, delayMs, this.#closing.signal),
        signal: this.#closing.signal,
        applied: (events, sequence) => {
          for (const event of events) this.#newerReads.wake(event, sequence)
        },
      })
      this.#ledger = acquired.ledger
      if (acquired.claim === undefined || this.#closing.signal.aborted) {
        this.#close(this.#otherOwner)
        return
      }
      this.#claim = acquired.claim
    } catch (error) {
      observer.trouble(partition, 'The partition cannot be served', String(error))
      this.#close(undefined)
      throw error
    }
    observer.tookOver(partition, clock.monotonicMs() - startedAtMs)
    this.#loop.start(this.#claim, this.#ledger)
    this.#ownedReads.drain((request, done) => {
      this.#read(request, done)
    })
  }

  #close(owner: string | undefined): void {
    if (this.#closed) return
    this.#closed = true
    for (const pending of this.#mailbox.removeWhere(() => true)) pending.giveUp(owner)
    this.#newerReads.end(() => ({ kind: 'notOwner', owner }))
    this.#ownedReads.end(() => ({ kind: 'notOwner', owner }))
  }

  /** The owner that the log names, if it is not this node: that one has just said that it is not. */
  get #otherOwner(): string | undefined {
    const { owner } = this.#ledger
    return owner === this.#options.node ? undefined : owner
  }

  #freshLedger(): Ledger {
    return new Ledger(this.#options, this.#deps.packing)
  }

  #refused(refusal: Refusal): Refused {
    return { ok: false, refusal, partition: this.#options.partition, sequence: this.sequence }
  }
  #refusedRead(refusal: Refusal): GetOutcome {
    return { kind: 'refused', refusal, sequence: this.sequence }
  }
}
