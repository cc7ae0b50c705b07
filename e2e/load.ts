// Load by a few clients: each has timers of its own and one request at a time, so that it knows what a read has to
// tell. What is asked for comes of a seed.

import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import type { Ledger, LedgerOp } from './ledger.ts'
import { eventually } from './world.ts'

export interface LoadOptions {
  /** Of the timers' ids. */
  readonly prefix: string
  readonly seed: number
  readonly workers?: number
  /** Of each worker, between two requests. */
  readonly pauseMs?: number
}

const step = fc.record({
  op: fc.constantFrom<LedgerOp>(
    ...(['put', 'put', 'put', 'put', 'add', 'add', 'add', 'pause', 'start', 'delete'] as const),
  ),
  timer: fc.nat(5),
  durationMs: fc.integer({ min: 100, max: 4000 }),
  reads: fc.boolean(),
})
const stepsAtOnce = 500

/** Runs until it is ended. */
export function startLoad(
  { prefix, seed, workers = 8, pauseMs = 30 }: LoadOptions,
  { ledger }: { readonly ledger: Ledger },
): { end(): Promise<void> } {
  let ended = false
  const work = async (worker: number): Promise<void> => {
    for (let part = 0; ; part += 1) {
      const steps = fc.sample(step, { seed: seed + worker + part * workers, numRuns: stepsAtOnce })
      for (const { op, timer, durationMs, reads } of steps) {
        if (ended) return
        const timerId = `${prefix}-${worker}-${timer}`
        const body = op === 'put' ? { durationMs } : op === 'add' ? { byMs: 250 } : undefined
        await ledger.send(timerId, op, body)
        if (reads) await ledger.read(timerId)
        await delay(pauseMs)
      }
    }
  }
  const all = Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)))
  return {
    async end() {
      ended = true
      await all
    },
  }
}

/** Until so many more are acknowledged. */
export async function acknowledged(ledger: Ledger, more: number, withinMs = 40_000): Promise<void> {
  const wanted = ledger.done + more
  await eventually(() => (ledger.done >= wanted ? true : undefined), withinMs)
}
