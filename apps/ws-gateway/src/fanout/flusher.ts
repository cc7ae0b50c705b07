// Writes to viewers: what gathered in their outboxes within one turn of the event loop goes out as one
// write each. Who takes nothing is skipped, and after a while closed with the advice to come back.

import type { Clock } from '@timers/shared/clock.ts'
import { closeCodes, type CloseCode } from './close-codes.ts'
import type { Counts } from './counts.ts'
import type { Message, Transport } from './message.ts'
import { goodbye } from './say.ts'
import type { Viewer } from './viewer.ts'

export interface FlusherOptions {
  readonly slowMs: number
  readonly slowRetryMs: number
}

export interface FlusherDeps {
  readonly clock: Clock
  readonly counts: Counts
  /** A viewer was closed by us: forget it. */
  readonly onEnded: (viewer: Viewer) => void
}

/** About what one write carries; the rest waits for the next turn, so that no viewer holds up the others. */
const writeWeight = 256 << 10

export class Flusher {
  readonly #options: FlusherOptions
  readonly #deps: FlusherDeps
  #marked: Viewer[] = []
  #cancel: (() => void) | undefined
  readonly #blocked = new Set<Viewer>()
  /** The last messages that were joined, and what they gave: viewers of the same timers share it. */
  #joined: { messages: readonly Message[]; transport: Transport; bytes: Buffer } | undefined
  #batch: Message[] = []

  constructor(options: FlusherOptions, deps: FlusherDeps) {
    this.#options = options
    this.#deps = deps
  }

  /** The viewer has something unsent. */
  mark(viewer: Viewer): void {
    if (viewer.outbox.overfull) {
      this.close(viewer, closeCodes.tooSlow, 'too slow', this.#options.slowRetryMs)
      return
    }
    if (viewer.marked || viewer.blockedSinceMs !== undefined) return
    viewer.marked = true
    this.#marked.push(viewer)
    this.#cancel ??= this.#deps.clock.soon(() => {
      this.#flush()
    })
  }

  /** Its sink takes more again. */
  drained(viewer: Viewer): void {
    viewer.blockedSinceMs = undefined
    this.#blocked.delete(viewer)
    if (!viewer.outbox.isEmpty() && !viewer.ended) this.mark(viewer)
  }

  /** Sends what it can of the rest, then goodbye. Later calls do nothing. */
  close(viewer: Viewer, code: CloseCode, reason: string, retryAfterMs?: number): void {
    if (viewer.ended) return
    viewer.ended = true
    while (!viewer.outbox.isEmpty() && viewer.blockedSinceMs === undefined) this.#write(viewer)
    viewer.outbox.clear()
    if (viewer.listening) {
      const last = goodbye(this.#deps.clock.nowMs(), code, retryAfterMs)
      viewer.sink.write(last.bytes(viewer.sink.transport))
    }
    viewer.sink.end(code, reason, retryAfterMs)
    this.forget(viewer)
    this.#deps.onEnded(viewer)
  }

  /** The connection is gone. */
  forget(viewer: Viewer): void {
    viewer.ended = true
    viewer.outbox.clear()
    this.#blocked.delete(viewer)
  }

  /** Every now and then: closes those that have taken nothing for too long. */
  look(): void {
    const nowMs = this.#deps.clock.monotonicMs()
    for (const viewer of this.#blocked) {
      if (viewer.blockedSinceMs === undefined || nowMs - viewer.blockedSinceMs < this.#options.slowMs)
        continue
      this.close(viewer, closeCodes.tooSlow, 'too slow', this.#options.slowRetryMs)
    }
  }

  [Symbol.dispose](): void {
    this.#cancel?.()
  }

  #flush(): void {
    this.#cancel = undefined
    const viewers = this.#marked
    this.#marked = []
    for (const viewer of viewers) {
      viewer.marked = false
      if (viewer.ended || viewer.outbox.isEmpty()) continue
      this.#write(viewer)
      if (!viewer.outbox.isEmpty()) this.mark(viewer)
    }
    this.#joined = undefined
  }

  #write(viewer: Viewer): void {
    const { counts, clock } = this.#deps
    const batch = this.#batch
    batch.length = 0
    viewer.outbox.take(writeWeight, batch)
    const bytes = this.#join(batch, viewer.sink.transport)
    counts.messages += batch.length
    counts.writes += 1
    counts.bytes += bytes.length
    if (viewer.sink.write(bytes)) return
    viewer.blockedSinceMs = clock.monotonicMs()
    this.#blocked.add(viewer)
  }

  #join(messages: Message[], transport: Transport): Buffer {
    const [only] = messages
    if (only !== undefined && messages.length === 1) return only.bytes(transport)
    const last = this.#joined
    if (last?.transport === transport && same(last.messages, messages)) return last.bytes
    const bytes = Buffer.concat(messages.map((message) => message.bytes(transport)))
    this.#joined = { messages, transport, bytes }
    this.#batch = []
    return bytes
  }
}

function same(some: readonly Message[], others: readonly Message[]): boolean {
  if (some.length !== others.length) return false
  for (let i = 0; i < some.length; i++) if (some[i] !== others[i]) return false
  return true
}
