// Reads of a partition: answered from the memory of its owner while the log has just said that it is one; else they
// wait for its word, or for an owner, or for a newer version. Never answers from a state this node does not own.

import type { Clock } from '@timers/shared/clock.ts'
import type { Refusal } from '@timers/shared/errors.ts'
import type { TimerEvent } from '@timers/shared/timer/event.ts'
import type { ScanPage, Selection } from '@timers/shared/timer/results.ts'
import { partitionLimits } from './limits.ts'
import { notFound, WaitingReads, type GetOutcome, type GetRequest } from './reads.ts'
import { unavailable, unowned } from './refusals.ts'
import { scanPages } from './scan.ts'
import type { Standing } from './standing.ts'

export interface ReaderDeps {
  readonly clock: Clock
  /** Somebody waits for the word of the log: `asked` is true. */
  readonly ask: () => void
}

/** Why a read is not answered from memory; undefined: it is to be, now. */
type Obstacle = Refusal | 'notOwner' | undefined

interface Asking {
  readonly untilMs: number
  readonly told: (obstacle: Obstacle) => void
}

export class Reader {
  readonly #standing: Standing
  readonly #deps: ReaderDeps
  readonly #newer = new WaitingReads(partitionLimits.reads)
  #asking: Asking[] = []
  /** A read that waited for a newer version has waited long enough. */
  #isOver = false

  constructor(standing: Standing, deps: ReaderDeps) {
    this.#standing = standing
    this.#deps = deps
  }

  /** Whether a read waits for the word of the log that this node owns it. */
  get asked(): boolean {
    return this.#asking.length > 0 || this.#isOver
  }

  get(request: GetRequest): Promise<GetOutcome> {
    return new Promise((resolve) => {
      this.#ask((obstacle) => {
        if (obstacle === undefined) this.#read(request, resolve)
        else if (obstacle === 'notOwner') resolve(this.#notOwner())
        else resolve(this.#refused(obstacle))
      })
    })
  }

  /** Undefined when this node does not own the partition. Between pages the caller lets others run. */
  scan(tenantId: string, selection: Selection): Promise<Iterable<ScanPage> | undefined> {
    return new Promise((resolve) => {
      this.#ask((obstacle) => {
        const { partition, ledger, term } = this.#standing
        const { sequence, state } = ledger
        if (obstacle === undefined)
          resolve(scanPages(state, { partition, sequence, term }, tenantId, selection))
        else resolve(undefined)
      })
    })
  }

  /** An event is applied. */
  wake(event: TimerEvent, sequence: number): void {
    this.#newer.wake(event, sequence)
  }

  /** The log has said that this node owns the partition. */
  confirmed(): void {
    if (!this.#standing.answering) return
    this.#tell(undefined)
    if (this.#isOver) this.#endNewer()
  }

  /** The log has no word to say. */
  refused(refusal: Refusal): void {
    this.#tell(refusal)
  }

  /** Ends what has waited long enough. */
  tick(): void {
    const nowMs = this.#deps.clock.monotonicMs()
    this.#endNewer()
    const late = this.#asking.filter(({ untilMs }) => untilMs <= nowMs)
    if (late.length > 0) this.#asking = this.#asking.filter(({ untilMs }) => untilMs > nowMs)
    for (const { told } of late) told(unowned)
    if (this.asked) this.#deps.ask()
  }

  /** Gives back all that waits. */
  close(owner: string | undefined): void {
    this.#newer.end(() => ({ kind: 'notOwner', owner }))
    this.#tell('notOwner')
  }

  #ask(told: (obstacle: Obstacle) => void): void {
    const { leaving, answering, serving, unownedSinceMs } = this.#standing
    const nowMs = this.#deps.clock.monotonicMs()
    const untilMs = (serving ? nowMs : unownedSinceMs) + partitionLimits.troubledMs
    if (leaving) told('notOwner')
    else if (answering) told(undefined)
    else if (untilMs <= nowMs) told(unowned)
    else if (this.#asking.length >= partitionLimits.reads) told(tooMany)
    else {
      this.#asking.push({ untilMs, told })
      this.#deps.ask()
    }
  }

  #tell(obstacle: Obstacle): void {
    const asking = this.#asking
    this.#asking = []
    for (const { told } of asking) told(obstacle)
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
    if (!this.#newer.add(request, untilMs, done)) done(this.#refused(tooMany))
  }

  #endNewer(): void {
    const nowMs = this.#deps.clock.monotonicMs()
    const { serving, answering } = this.#standing
    this.#isOver = false
    this.#newer.end((request, untilMs) => {
      if (untilMs > nowMs) return undefined
      if (!serving) return this.#notOwner()
      if (answering) return this.#asItIs(request)
      this.#isOver = true
      return undefined
    })
  }

  #asItIs({ tenantId, timerId }: GetRequest): GetOutcome {
    const { state, sequence } = this.#standing.ledger
    const timer = state.get(tenantId, timerId)
    return timer === undefined ? notFound(sequence) : { kind: 'found', timer, sequence }
  }

  #notOwner(): GetOutcome {
    return { kind: 'notOwner', owner: this.#standing.otherOwner }
  }
  #refused(refusal: Refusal): GetOutcome {
    return { kind: 'refused', refusal, sequence: this.#standing.ledger.sequence }
  }
}

const tooMany = unavailable('Too many reads wait for this partition.')
