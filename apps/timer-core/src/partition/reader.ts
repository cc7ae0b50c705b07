// Reads of a partition: answered from the memory of its owner, or waiting for one, or for a newer version.
// Never answers from a state that this node does not own.

import type { Clock } from '@timers/shared/clock.ts'
import type { Refusal } from '@timers/shared/errors.ts'
import type { TimerEvent } from '@timers/shared/timer/event.ts'
import type { ScanPage, Selection } from '@timers/shared/timer/results.ts'
import { partitionLimits } from './limits.ts'
import { notFound, WaitingReads, type GetOutcome, type GetRequest } from './reads.ts'
import { unavailable, unowned } from './refusals.ts'
import { scanPages } from './scan.ts'
import type { Standing } from './standing.ts'

export class Reader {
  readonly #standing: Standing
  readonly #clock: Clock
  readonly #newer = new WaitingReads(partitionLimits.reads)
  readonly #owned = new WaitingReads(partitionLimits.reads)

  constructor(standing: Standing, deps: { readonly clock: Clock }) {
    this.#standing = standing
    this.#clock = deps.clock
  }

  get(request: GetRequest): Promise<GetOutcome> {
    const { serving, leaving, otherOwner, unownedSinceMs } = this.#standing
    if (leaving) return Promise.resolve({ kind: 'notOwner', owner: otherOwner })
    return new Promise((resolve) => {
      if (serving) {
        this.#read(request, resolve)
        return
      }
      const full = !this.#owned.add(request, unownedSinceMs + partitionLimits.troubledMs, resolve)
      if (full) resolve(this.#refused(tooMany))
    })
  }

  /** Undefined when this node does not own the partition. Between pages the caller lets others run. */
  scan(tenantId: string, selection: Selection): Iterable<ScanPage> | undefined {
    const { serving, partition, ledger, term } = this.#standing
    if (!serving) return undefined
    const { sequence, state } = ledger
    return scanPages(state, { partition, sequence, term }, tenantId, selection)
  }

  /** An event is applied. */
  wake(event: TimerEvent, sequence: number): void {
    this.#newer.wake(event, sequence)
  }

  /** This node serves from now on. */
  begin(): void {
    this.#owned.drain((request, done) => {
      this.#read(request, done)
    })
  }

  /** Ends what has waited long enough. */
  tick(): void {
    const monotonicMs = this.#clock.monotonicMs()
    this.#newer.end((request, untilMs) => (untilMs <= monotonicMs ? this.#asItIs(request) : undefined))
    if (this.#standing.serving) return
    this.#owned.end((_, untilMs) => (untilMs <= monotonicMs ? this.#refused(unowned) : undefined))
  }

  /** Gives back all that waits. */
  close(owner: string | undefined): void {
    this.#newer.end(() => ({ kind: 'notOwner', owner }))
    this.#owned.end(() => ({ kind: 'notOwner', owner }))
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
    const untilMs = this.#clock.monotonicMs() + Math.min(waitMs, partitionLimits.waitMs)
    if (!this.#newer.add(request, untilMs, done)) done(this.#refused(tooMany))
  }

  #asItIs({ tenantId, timerId }: GetRequest): GetOutcome {
    const { serving, ledger, otherOwner } = this.#standing
    if (!serving) return { kind: 'notOwner', owner: otherOwner }
    const { state, sequence } = ledger
    const timer = state.get(tenantId, timerId)
    return timer === undefined ? notFound(sequence) : { kind: 'found', timer, sequence }
  }

  #refused(refusal: Refusal): GetOutcome {
    return { kind: 'refused', refusal, sequence: this.#standing.ledger.sequence }
  }
}

const tooMany = unavailable('Too many reads wait for this partition.')
