// What one viewer is still to be sent, in order. The newest state of a timer takes the place of an unsent
// one; completions, deletions and answers are never replaced. It is bounded, and never writes.

import type { Message } from './message.ts'

export interface OutboxOptions {
  readonly outboxMessages: number
  readonly outboxBytes: number
}

/** From here on the front of the queue that was taken is given back. */
const spareSlots = 1024

export class Outbox {
  readonly #options: OutboxOptions
  /** What was taken from its front, or out of its middle, is undefined. */
  #queue: (Message | undefined)[] = []
  #head = 0
  /** The place of #queue[0], counted from the last time all was taken; places stay when the front goes. */
  #first = 0
  #messages = 0
  #weight = 0
  /** The places of unsent, replaceable states and ticks, by timer. One that was taken is before the head. */
  readonly #states = new Map<string, number>()
  readonly #ticks = new Map<string, number>()
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
    this.#states.clear()
    this.#ticks.clear()
    this.#push(page)
  }

  /** A timer's newest state; `last` = a completion or deletion, which nothing may replace. */
  putState(timerId: string, message: Message, last: boolean): void {
    // A tick of the version before has nothing to say any more, and one of this version must come after it.
    this.#withdrawTick(timerId)
    const place = this.#unsent(this.#states, timerId)
    if (place !== undefined) this.#replace(place, message)
    else if (!last) this.#states.set(timerId, this.#push(message))
    else this.#push(message)
    if (last) this.#states.delete(timerId)
  }

  putTick(timerId: string, tick: Message): void {
    const place = this.#unsent(this.#ticks, timerId)
    if (place === undefined) this.#ticks.set(timerId, this.#push(tick))
    else this.#replace(place, tick)
  }

  /** Adds to `into` the next messages, at least one if there is one, until they weigh `mostWeight`. */
  take(mostWeight: number, into: Message[]): void {
    let weight = 0
    while (this.#messages > 0 && weight < mostWeight) {
      const message = this.#queue[this.#head]
      this.#queue[this.#head++] = undefined
      if (message === undefined) continue
      into.push(message)
      weight += message.weight
      this.#messages -= 1
    }
    this.#weight -= weight
    if (this.#messages === 0) this.clear()
    else if (this.#head > spareSlots && this.#head > this.#queue.length / 2) {
      this.#queue = this.#queue.slice(this.#head)
      this.#first += this.#head
      this.#head = 0
    }
  }

  clear(): void {
    this.#queue.length = 0
    this.#head = 0
    this.#first = 0
    this.#messages = 0
    this.#weight = 0
    if (this.#states.size > 0) this.#states.clear()
    if (this.#ticks.size > 0) this.#ticks.clear()
  }

  #unsent(places: ReadonlyMap<string, number>, timerId: string): number | undefined {
    const place = places.get(timerId)
    return place !== undefined && place >= this.#first + this.#head ? place : undefined
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

  #withdrawTick(timerId: string): void {
    const place = this.#unsent(this.#ticks, timerId)
    if (place === undefined) return
    this.#ticks.delete(timerId)
    const at = place - this.#first
    this.#weight -= this.#queue[at]?.weight ?? 0
    this.#queue[at] = undefined
    this.#messages -= 1
    this.#replaced += 1
  }
}
