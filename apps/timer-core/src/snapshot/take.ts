// Writing a snapshot: walked in short turns, between which the partition goes on, and stored part by part. It is worth
// nothing before the log names it.

import type { Clock } from '@timers/shared/clock.ts'
import type { SnapshotPart } from '@timers/shared/log/snapshot.ts'
import type { Ledger, NamedSnapshot } from '../partition/ledger.ts'
import type { Packing } from '../partition/ports.ts'
import type { Turns } from '../partition/turns.ts'
import type { SnapshotSource } from './load.ts'
import { walkLedger } from './walk.ts'

export interface TakeDeps {
  readonly snapshots: SnapshotSource
  readonly packing: Packing
  readonly turns: Turns
  readonly clock: Clock
  /** False: it is of no use to go on. */
  readonly isWanted: () => boolean
}

/** A turn of the walk ends after so long. */
const turnMs = 2

type Walk = Generator<SnapshotPart | undefined, void, void>

/** Undefined when it was not wanted any more. Rejects when it could not be stored. */
export async function takeSnapshot(
  ledger: Ledger,
  deps: TakeDeps,
): Promise<(NamedSnapshot & { readonly bytes: number }) | undefined> {
  const { snapshots, turns, isWanted } = deps
  const { store, codec } = snapshots
  const { partition, sequence } = ledger
  const walk = walkLedger(ledger, (timer) => deps.packing.pack(timer))
  let crc = 0
  let bytes = 0
  // The walk's first step has to be in the turn in which the sequence was noted.
  let step: StepOutcome = stepOf(walk, deps.clock)
  for (let parts = 0; ;) {
    if (!isWanted()) return undefined
    if (step === 'end') return { sequence, parts, crc, bytes }
    if (step !== 'paused') {
      const part = step
      const encoded = await inTurn(turns, () => codec.encode(part))
      crc = codec.crc(encoded, crc)
      bytes += encoded.length
      await store.write(partition, sequence, parts, encoded)
      parts += 1
    }
    step = await inTurn(turns, () => stepOf(walk, deps.clock))
  }
}

type StepOutcome = SnapshotPart | 'paused' | 'end'

function stepOf(walk: Walk, clock: Clock): StepOutcome {
  const untilMs = clock.monotonicMs() + turnMs
  do {
    const { done, value } = walk.next()
    if (value !== undefined) return value
    if (done === true) return 'end'
  } while (clock.monotonicMs() < untilMs)
  return 'paused'
}

/** In line with the partitions; nobody waits for it. */
function inTurn<T>(turns: Turns, doing: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const run = (): void => {
      try {
        resolve(doing())
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)))
      }
    }
    turns.take({ run, isAwaited: () => false })
  })
}
