// The broker: a stream for each partition, and heartbeats to whoever listens. Links reach it while it is up.

import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'
import { Snapshots } from './snapshots.ts'
import { Stream, type Stored } from './stream.ts'

export interface BrokerDeps {
  readonly scheduler: Scheduler
  readonly random: Random
  readonly nowMs: () => number
  readonly committed: (partition: number, stored: Stored) => void
  readonly purged: (partition: number, first: number) => void
  readonly removed: (partition: number, sequence: number) => void
  readonly cut: (partition: number, last: number) => void
}

type Listener = (message: Uint8Array, from: string) => void

export class Broker {
  /** Its clock: cluster time. */
  readonly nowMs: () => number
  readonly streams: readonly Stream[]
  readonly snapshots: Snapshots
  readonly #listeners = new Set<Listener>()
  readonly #closeLinks = new Set<() => void>()
  #up = true

  constructor({ partitionCount }: { readonly partitionCount: number }, deps: BrokerDeps) {
    this.nowMs = deps.nowMs
    this.snapshots = new Snapshots({ scheduler: deps.scheduler, removed: deps.removed })
    this.streams = Array.from(
      { length: partitionCount },
      (_, partition) =>
        new Stream({
          ...deps,
          committed: (stored) => {
            deps.committed(partition, stored)
          },
          purged: (first) => {
            deps.purged(partition, first)
          },
          cut: (last) => {
            deps.cut(partition, last)
          },
        }),
    )
  }

  get up(): boolean {
    return this.#up
  }

  stream(partition: number): Stream {
    const stream = this.streams[partition]
    if (stream === undefined) throw new Error(`There is no partition ${partition}`)
    return stream
  }

  /** `close`: called when the broker goes down; the answer ends it. */
  linked(close: () => void): () => void {
    this.#closeLinks.add(close)
    return () => {
      this.#closeLinks.delete(close)
    }
  }

  publish(from: string, message: Uint8Array): void {
    for (const listener of this.#listeners) listener(message, from)
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /** `loseTail`: of each log so many records were not on the disk. */
  goDown(loseTail: number): void {
    if (!this.#up) return
    this.#up = false
    for (const stream of this.streams) {
      stream.crash()
      if (loseTail > 0) stream.loseTail(loseTail)
    }
    if (loseTail > 0) this.snapshots.loseNewest()
    for (const close of [...this.#closeLinks]) close()
  }

  comeUp(): void {
    this.#up = true
  }
}
