// A subscriber of the event feed of all partitions, which notes when it was told of each firing. It measures
// lateness only: what a timer's own times say, and when the event was here.

import { percentile } from '@timers/dev/bench-kit.ts'
import type { NatsConnection } from '@nats-io/transport-node'
import { followEvents } from '@timers/shared/nats/event-feed.ts'
import { decodeRecord } from '@timers/shared/wire/record-wire.ts'

/** Milliseconds after the deadline. */
export interface Lateness {
  readonly p50: number
  readonly p99: number
  readonly most: number
  /** Below 0 = early. */
  readonly least: number
  /** Of the firing itself, before it was stored and told. */
  readonly 'judged-p99': number
}

export class FiringWatch implements Disposable {
  readonly #stack = new DisposableStack()
  #expected = new Set<string>()
  readonly #fired = new Set<string>()
  #seen: number[] = []
  #judged: number[] = []
  #done = Promise.withResolvers<undefined>()

  constructor(partitionCount: number, connection: NatsConnection) {
    for (let partition = 0; partition < partitionCount; partition += 1) {
      const onMessage = ({ data }: { data: Uint8Array }): void => {
        this.#record(data, nowMs())
      }
      this.#stack.use(followEvents(partition, { connection, onMessage }))
    }
  }

  /** Call it before they are due; resolves when each has fired, once. */
  async expect(timerIds: Iterable<string>): Promise<Lateness> {
    this.#expected = new Set(timerIds)
    this.#fired.clear()
    this.#seen = []
    this.#judged = []
    this.#done = Promise.withResolvers()
    await this.#done.promise
    const seen = Float64Array.from(this.#seen)
    return {
      p50: percentile(seen, 0.5),
      p99: percentile(seen, 0.99),
      most: percentile(seen, 1),
      least: percentile(seen, 0),
      'judged-p99': percentile(Float64Array.from(this.#judged), 0.99),
    }
  }

  [Symbol.dispose](): void {
    this.#stack.dispose()
  }

  #record(data: Uint8Array, atMs: number): void {
    const { body } = decodeRecord(data)
    if (body.kind !== 'batch') return
    for (const { type, timer } of body.events) {
      if (type !== 'completed' || timer.completedBy !== 'fire') continue
      if (this.#fired.has(timer.timerId)) this.#done.reject(new Error(`${timer.timerId} fired twice`))
      if (!this.#expected.delete(timer.timerId)) continue
      this.#fired.add(timer.timerId)
      this.#seen.push(atMs - timer.deadlineMs)
      this.#judged.push(timer.completedAtMs - timer.deadlineMs)
    }
    if (this.#expected.size === 0 && this.#fired.size > 0) this.#done.resolve(undefined)
  }
}

/** The wall clock, with fractions. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now()
}
