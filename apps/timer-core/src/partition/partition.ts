// One partition on this node: who may send it commands and reads, and when. The commit loop changes it, the
// ledger is what its log says, acquire takes it over. Never answers from a state it does not own.

import { pause } from '@timers/shared/clock.ts'
import { recordFormat, type RecordBody } from '@timers/shared/log/record.ts'
import type { SnapshotHead } from '@timers/shared/log/snapshot.ts'
import type { ScanPage, Selection } from '@timers/shared/timer/results.ts'
import { SnapshotKeeper } from '../snapshot/keeper.ts'
import { LogRoom } from '../snapshot/room.ts'
import { acquire, type Claim } from './acquire.ts'
import { CommitLoop } from './commit-loop.ts'
import { Confirmation } from './confirmation.ts'
import { Intake } from './intake.ts'
import { DamagedLogError, Ledger, type LedgerOptions } from './ledger.ts'
import { Mailbox, type CommandGroup, type GroupOutcome } from './mailbox.ts'
import { partitionLimits } from './limits.ts'
import type { PartitionDeps } from './ports.ts'
import { Progress } from './progress.ts'
import { Reader } from './reader.ts'
import { recover, type RecoverDeps } from './recover.ts'
import type { GetOutcome, GetRequest } from './reads.ts'
import type { Standing } from './standing.ts'
import type { PartitionState } from './state.ts'

export interface PartitionOptions extends LedgerOptions {
  /** This node's name. */
  readonly node: string
}

export class Partition implements Standing {
  /** How full its log is. */
  readonly room = new LogRoom()
  readonly #options: PartitionOptions
  readonly #deps: PartitionDeps
  readonly #mailbox = new Mailbox(partitionLimits.commands)
  readonly #confirmation: Confirmation
  readonly #progress: Progress
  readonly #intake: Intake
  readonly #reader: Reader
  readonly #loop: CommitLoop
  readonly #keeper: SnapshotKeeper
  readonly #closing = new AbortController()
  #ledger: Ledger
  #claim: Claim | undefined
  #preparing: Promise<boolean> | undefined
  #acquiring: Promise<void> | undefined
  #closed = false
  #unownedSinceMs: number
  #forgetAtMs = 0

  constructor(options: PartitionOptions, deps: PartitionDeps) {
    this.#options = options
    this.#deps = deps
    this.#ledger = this.#freshLedger()
    this.#unownedSinceMs = deps.clock.monotonicMs()
    this.#intake = new Intake(this, { mailbox: this.#mailbox, clock: deps.clock })
    this.#confirmation = new Confirmation({ clock: deps.clock })
    this.#progress = new Progress({ clock: deps.clock, confirmation: this.#confirmation })
    this.#reader = new Reader(this, {
      clock: deps.clock,
      ask: () => {
        this.#loop.poke()
      },
    })
    this.#loop = new CommitLoop(
      { node: options.node, ledger: this.#ledger },
      {
        ...deps,
        mailbox: this.#mailbox,
        confirmation: this.#confirmation,
        reader: this.#reader,
        room: this.room,
        applied: (event, sequence) => {
          deps.applied(event)
          this.#reader.wake(event, sequence)
          const { timer } = event
          if (timer.completedBy === 'fire' && event.type === 'completed') {
            deps.observer.fired(timer.completedAtMs - timer.deadlineMs)
          }
        },
        // Nobody waits for it: what it may reject with is told to the observer.
        lost: (sentAtMs) => {
          this.#unownedSinceMs = sentAtMs
          void this.#takeOver()
        },
        faulted: (bug) => {
          this.#fault(bug)
        },
      },
    )
    const append = (body: RecordBody): Promise<boolean> => this.#loop.append(body)
    this.#keeper = new SnapshotKeeper(this, { ...deps, room: this.room, append })
  }

  /** Whether this node may say that it owns the partition. */
  get serving(): boolean {
    // On another connection the Takeover may have been followed by somebody else's, and nobody told us.
    return this.#loop.running && this.#claim?.connectionId === this.#deps.log.connectionId()
  }
  get answering(): boolean {
    return this.serving && this.#confirmation.holds
  }
  get settled(): boolean {
    return this.serving && this.#confirmation.heldForMs === 0
  }
  get partition(): number {
    return this.#options.partition
  }
  get ledger(): Ledger {
    return this.#ledger
  }
  get leaving(): boolean {
    return this.#closed || this.#closing.signal.aborted
  }
  get unownedSinceMs(): number {
    return this.#loop.running ? this.#deps.clock.monotonicMs() : this.#unownedSinceMs
  }
  /** The owner that the log names, if it is not this node: that one has just said that it is not. */
  get otherOwner(): string | undefined {
    const { owner } = this.#ledger
    return owner === this.#options.node ? undefined : owner
  }
  /** Whether this node says that it owns it: it serves, and what waits is getting on. */
  get announced(): boolean {
    return this.serving && !this.#progress.isStuck
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

  /** Reads the log to its end, so that acquire() takes less time; what comes meanwhile waits. False: it could not. */
  prepare(): Promise<boolean> {
    this.#unownedSinceMs = this.#deps.clock.monotonicMs()
    this.#preparing = this.#prepare()
    return this.#preparing
  }

  async #prepare(): Promise<boolean> {
    try {
      this.#ledger = await recover(this.#ledger, this.#recoverDeps())
      return !this.leaving
    } catch (error) {
      if (error instanceof DamagedLogError) this.#fault(error)
      else this.#deps.observer.trouble(this.partition, 'The log could not be read', String(error))
      return false
    }
  }

  /** Reads the log and takes the partition over, or ends. Never rejects. */
  acquire(): Promise<void> {
    this.#unownedSinceMs = this.#deps.clock.monotonicMs()
    return this.#takeOver()
  }

  /** `done` is told once: when the log has what it changed, or when it is refused or given back. */
  submit(group: CommandGroup, done: (outcome: GroupOutcome) => void): void {
    this.#intake.submit(group, done)
    this.#loop.poke()
  }

  get(request: GetRequest): Promise<GetOutcome> {
    return this.#reader.get(request)
  }

  /** Undefined when this node does not own the partition. Between pages the caller lets others run. */
  scan(tenantId: string, selection: Selection): Promise<Iterable<ScanPage> | undefined> {
    return this.#reader.scan(tenantId, selection)
  }

  /** Call it a few times a second: ends what has waited too long, and looks at the clock. */
  tick(): void {
    const { clock } = this.#deps
    const monotonicMs = clock.monotonicMs()
    this.#reader.tick()
    if (monotonicMs >= this.#forgetAtMs) {
      this.#forgetAtMs = monotonicMs + 1000
      this.#ledger.forgetExpired(clock.nowMs())
    }
    this.#progress.look(this.serving && this.#loop.isAwaited)
    if (this.serving) {
      // The time may have been set, or become known.
      this.#loop.poke()
      this.#keeper.tick()
      return
    }
    if (this.#loop.running) void this.#reacquire()
    this.#intake.tick()
  }

  /** Stages nothing more, awaits the append in flight, releases it in the log, gives back what waits. */
  async release(to: string | undefined): Promise<void> {
    this.#closing.abort()
    await this.#loop.release(to ?? '')
    await this.#preparing
    await this.#acquiring
    this.#close(to)
  }

  async #reacquire(): Promise<void> {
    this.#unownedSinceMs = this.#deps.clock.monotonicMs()
    await this.#loop.stop()
    // It may have been found out by an append meanwhile.
    if (!this.leaving && !this.#loop.running) await this.#takeOver()
  }

  #takeOver(): Promise<void> {
    this.#acquiring ??= this.#acquire().finally(() => {
      this.#acquiring = undefined
    })
    return this.#acquiring
  }

  async #acquire(): Promise<void> {
    const { clock, observer } = this.#deps
    const { partition, node, dataId, partitionCount } = this.#options
    const startedAtMs = clock.monotonicMs()
    let acquired
    await this.#preparing
    try {
      acquired = await acquire(this.#ledger, this.#claim, {
        ...this.#deps,
        ...this.#recoverDeps(),
        now: () => this.#confirmation.now(),
        takeover: (term, snapshotAt) => {
          const body = { kind: 'takeover', dataId, partitionCount } as const
          return { format: recordFormat, term, owner: node, snapshotAt, body }
        },
      })
    } catch (error) {
      this.#fault(error)
      return
    }
    this.#ledger = acquired.ledger
    if (acquired.claim === undefined || this.leaving) {
      this.#close(this.otherOwner)
      return
    }
    this.#claim = acquired.claim
    observer.tookOver(partition, clock.monotonicMs() - startedAtMs)
    this.#confirmation.begin(this.#claim.sent, this.#claim.answersFromMs)
    this.#loop.start(this.#claim, this.#ledger)
  }

  #recoverDeps(): RecoverDeps {
    return {
      ...this.#deps,
      room: this.room,
      freshLedger: (head) => this.#freshLedger(head),
      wait: (delayMs) => pause(this.#deps.clock, delayMs, this.#closing.signal),
      signal: this.#closing.signal,
      applied: (events, sequence) => {
        for (const event of events) this.#reader.wake(event, sequence)
      },
    }
  }

  #fault(fault: unknown): void {
    this.#deps.observer.trouble(this.partition, 'The partition cannot be served', String(fault))
    this.#close(undefined, fault)
  }

  #close(owner: string | undefined, fault?: unknown): void {
    if (this.#closed) return
    this.#closed = true
    this.#closing.abort()
    this.#intake.close(owner)
    this.#reader.close(owner)
    this.#deps.ended(fault)
  }

  #freshLedger(head?: SnapshotHead): Ledger {
    return new Ledger(this.#options, this.#deps.packing, head)
  }
}
