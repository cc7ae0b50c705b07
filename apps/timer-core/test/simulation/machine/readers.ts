// Whoever must read every record before it may be cut: none, or one that follows in jumps.

import type { LogReaders } from '../../../src/partition/ports.ts'
import type { SnapshotRules } from '../../../src/snapshot/rules.ts'
import type { Broker } from './broker.ts'
import type { BrokerLink } from './broker-link.ts'
import type { Scheduler } from './scheduler.ts'

const everyMs = 700

/** Snapshots are due and settled within a run. */
export const simulatedRules: SnapshotRules = { leastBytes: 600, settleMs: 4000, lookEveryMs: 400 }

export class Readers {
  readonly #broker: Broker
  readonly #scheduler: Scheduler
  readonly #read: number[] | undefined

  constructor(deps: { readonly broker: Broker; readonly scheduler: Scheduler; readonly isThere: boolean }) {
    this.#broker = deps.broker
    this.#scheduler = deps.scheduler
    this.#read = deps.isThere ? this.#broker.streams.map(() => 0) : undefined
    if (this.#read !== undefined) this.#follow()
  }

  least(partition: number): number {
    return this.#read === undefined ? Infinity : (this.#read[partition] ?? 0)
  }

  /** As a node asks for it. */
  over(link: BrokerLink): LogReaders {
    return {
      least: (partition) =>
        link.request((answer) => {
          answer(this.least(partition))
        }),
    }
  }

  readonly #follow = (): void => {
    for (const [partition, stream] of this.#broker.streams.entries())
      this.#read?.splice(partition, 1, stream.last)
    this.#scheduler.at(this.#scheduler.nowMs + everyMs, this.#follow)
  }
}
