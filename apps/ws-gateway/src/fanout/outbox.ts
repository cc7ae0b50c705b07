// What one viewer is still to be sent, in order. The newest state of a timer takes the place of an unsent
// one; completions, deletions and answers are never replaced. It is bounded, and never writes.

import type { Message } from './message.ts'

export interface OutboxOptions {
  readonly outboxMessages: number
  readonly outboxBytes: number
}

/** The places of a timer's unsent state and tick, kept by whoever knows the timer: no search, no copy. */
export interface Places {
  statePlace: number
  tickPlace: number
}
/** Nothing that could be replaced. */
export const noPlace = -1

/** From here on the front of the queue that was taken is given back. */
const spareSlots = 1024

export class Outbox {
  readonly #options: OutboxOptions
  /** What was taken from its front, or out of its middle, is undefined. */
  readonly #queue: (Message | undefined)[] = []
  /** The place of #queue[0]. Places only grow, so one that was taken is known by being too small. */
  #first = 0
  /** The place of the next to be taken. */
  #next = 0
  /** What is before it is not to be replaced. */
  #sealed = 0
  #messages = 0
  #weight = 0
  #replaced = 0

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  isEmpty(): boolean {
    return this.#messages === 0
  }

  /** Beyond its bounds: who reads so slowly is to be closed. */
  get overfull(): boolean {
    return this.#messages > this.#options.outboxMessages || this.#weight > this.#options.outboxBytes
  }

  /** Places that take memory, taken ones included. */
  get slots(): number {
    return this.#queue.length
  }

  /** How many messages a newer one stood for. */
  get replaced(): number {
    return this.#replaced
  }

  /** Never replaced. */
  put(message: Message): void {
    this.#push(message)
  }

  /** A snapshot: never replaced, and what changes later comes after it. */
  putSnapshot(page: Message): void {
    this.#sealed = this.#push(page) + 1
  }

  /** A timer's newest state; `last` = a completion or deletion, which nothing may replace. */
  putState(places: Places, message: Message, last: boolean): void {
    // A tick of the version before has nothing to say any more, and one of this version must come after it.
    if (this.#isUnsent(places.tickPlace)) this.#withdraw(places.tickPlace)
    places.tickPlace = noPlace
    if (this.#isUnsent(places.statePlace)) this.#replace(places.statePlace, message)
    else places.statePlace = this.#push(message)
    if (last) places.statePlace = noPlace
  }

  putTick(places: Places, tick: Message): void {
    if (this.#isUnsent(places.tickPlace)) this.#replace(places.tickPlace, tick)
    else places.tickPlace = this.#push(tick)
  }

  /** Adds to `into` the next messages, at least one if there is one, until they weigh `mostWeight`. */
  take(mostWeight: number, into: Message[]): void {
    let weight = 0
    while (this.#messages > 0 && weight < mostWeight) {
      const at = this.#next++ - this.#first
      const message = this.#queue[at]
      this.#queue[at] = undefined
      if (message === undefined) continue
      into.push(message)
      weight += message.weight
      this.#messages -= 1
    }
    this.#weight -= weight
    if (this.#messages === 0) this.clear()
    else if (this.#next - this.#first > spareSlots && this.#next - this.#first > this.#queue.length / 2) {
      this.#queue.splice(0, this.#next - this.#first)
      this.#first = this.#next
    }
  }

  clear(): void {
    this.#first += this.#queue.length
    this.#next = this.#first
    this.#queue.length = 0
    this.#messages = 0
    this.#weight = 0
  }

  #isUnsent(place: number): boolean {
    return place >= this.#next && place >= this.#sealed
  }

  #push(message: Message): number {
    this.#messages += 1
    this.#weight += message.weight
    return this.#first + this.#queue.push(message) - 1
  }

  #replace(place: number, message: Message): void {
    const at = place - this.#first
    this.#weight += message.weight - (this.#queue[at]?.weight ?? 0)
    this.#queue[at] = message
    this.#replaced += 1
  }

  #withdraw(place: number): void {
    const at = place - this.#first
    this.#weight -= this.#queue[at]?.weight ?? 0
    this.#queue[at] = undefined
    this.#messages -= 1
    this.#replaced += 1
  }
}
