// Reads of one timer that wait for a newer version. Bounded; each ends at its deadline at the latest. Never answers from anything but what the partition hands in.

import type { Refusal } from '@timers/shared/errors.ts'
import type { TimerEvent } from '@timers/shared/timer/event.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'

export interface GetRequest {
  readonly tenantId: string
  readonly timerId: string
  /** Wait for a version above this one … */
  readonly afterVersion: number | undefined
  /** … for so long at most, then tell the timer as it is. */
  readonly waitMs: number
}

export type GetOutcome =
  | { readonly kind: 'found'; readonly timer: Timer; readonly sequence: number }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly sequence: number }
  | { readonly kind: 'notOwner'; readonly owner: string | undefined }

interface Waiting {
  readonly request: GetRequest
  readonly untilMs: number
  readonly done: (outcome: GetOutcome) => void
}

export class WaitingReads {
  readonly #capacity: number
  readonly #byTimer = new Map<string, Set<Waiting>>()
  #size = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#size
  }

  /** False: full. `untilMs` is monotonic. */
  add(request: GetRequest, untilMs: number, done: (outcome: GetOutcome) => void): boolean {
    if (this.#size >= this.#capacity) return false
    const key = keyOf(request)
    let waiting = this.#byTimer.get(key)
    if (waiting === undefined) {
      waiting = new Set()
      this.#byTimer.set(key, waiting)
    }
    waiting.add({ request, untilMs, done })
    this.#size += 1
    return true
  }

  /** Tells those who wait for this timer. */
  wake(event: TimerEvent, sequence: number): void {
    if (this.#size === 0) return
    const key = keyOf(event.timer)
    for (const waiting of this.#byTimer.get(key) ?? []) {
      if (event.type === 'deleted') this.#end(key, waiting, notFound(sequence))
      else if (event.timer.version > (waiting.request.afterVersion ?? -1)) {
        this.#end(key, waiting, { kind: 'found', timer: event.timer, sequence })
      }
    }
  }

  /** Ends those of which `outcome` gives one. */
  end(outcome: (request: GetRequest, untilMs: number) => GetOutcome | undefined): void {
    for (const [key, set] of this.#byTimer) {
      for (const waiting of set) {
        const ended = outcome(waiting.request, waiting.untilMs)
        if (ended !== undefined) this.#end(key, waiting, ended)
      }
    }
  }

  #end(key: string, waiting: Waiting, outcome: GetOutcome): void {
    const set = this.#byTimer.get(key)
    if (set?.delete(waiting) !== true) return
    if (set.size === 0) this.#byTimer.delete(key)
    this.#size -= 1
    waiting.done(outcome)
  }
}

export function notFound(sequence: number): GetOutcome {
  return { kind: 'refused', refusal: { code: 'not_found', detail: 'There is no such timer.' }, sequence }
}

function keyOf({ tenantId, timerId }: { tenantId: string; timerId: string }): string {
  return `${tenantId}/${timerId}`
}
