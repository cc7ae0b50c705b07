// One connection as the fan-out sees it: whose it is, what it watches, which version of each timer it was
// last sent, and what it is still to be sent. It knows neither protocol nor socket.

import type { CloseCode } from './close-codes.ts'
import type { Message, Transport } from './message.ts'
import { noPlace, Outbox, type OutboxOptions, type Places } from './outbox.ts'
import type { Subscription } from './subscription.ts'

/** The way out to one client. */
export interface Sink {
  readonly transport: Transport
  /** One write, whole messages. False = it is full: nothing more until drained() of the flusher is called. */
  write(bytes: Buffer): boolean
  /** At each heartbeat: the time to look whether anybody is still there. */
  beat(): void
  /** Ends the connection with this close code, after what was written. */
  end(code: CloseCode, reason: string, retryAfterMs: number | undefined): void
}

/** One timer as a viewer was told of it. */
export interface Held extends Places {
  version: number
}

export interface ViewerOptions extends OutboxOptions {
  readonly id: string
  readonly tenantId: string
}

export interface ViewerDeps {
  readonly sink: Sink
  /** There is something to be sent. */
  readonly onUnsent: (viewer: Viewer) => void
}

export class Viewer {
  readonly id: string
  readonly tenantId: string
  readonly sink: Sink
  readonly outbox: Outbox
  /** What it was told of each timer, as far as it is sent or about to be. */
  readonly held = new Map<string, Held>()
  readonly subscriptions = new Map<string, Subscription>()
  /** Since when its sink is full, on the monotonic clock. */
  blockedSinceMs: number | undefined
  /** Waits for its turn to be written to. */
  marked = false
  /** False = nothing is sent to it yet. */
  listening = true
  /** Nothing is sent to it any more. */
  ended = false
  #subscriptionsSoFar = 0
  readonly #onUnsent: (viewer: Viewer) => void

  constructor(options: ViewerOptions, deps: ViewerDeps) {
    this.id = options.id
    this.tenantId = options.tenantId
    this.sink = deps.sink
    this.outbox = new Outbox(options)
    this.#onUnsent = deps.onUnsent
  }

  /** An id for one more subscription. */
  nextSubscriptionId(): string {
    this.#subscriptionsSoFar += 1
    return `sub_${this.#subscriptionsSoFar}`
  }

  /** It is told of a timer that it did not know. */
  hold(timerId: string, version: number): Held {
    const held = { version, statePlace: noPlace, tickPlace: noPlace }
    this.held.set(timerId, held)
    return held
  }

  tell(message: Message): void {
    if (this.ended || !this.listening) return
    this.outbox.put(message)
    this.#onUnsent(this)
  }

  tellSnapshot(page: Message): void {
    if (this.ended || !this.listening) return
    this.outbox.putSnapshot(page)
    this.#onUnsent(this)
  }

  /** `last` = a completion or deletion. */
  tellState(held: Held, message: Message, last: boolean): void {
    if (this.ended || !this.listening) return
    this.outbox.putState(held, message, last)
    this.#onUnsent(this)
  }

  tellTick(held: Held, tick: Message): void {
    if (this.ended || !this.listening) return
    this.outbox.putTick(held, tick)
    this.#onUnsent(this)
  }
}
