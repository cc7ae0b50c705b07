// Rounds of harm under load: in each something is done to the system, sometimes two things at once, while timers fall
// due; it ends when every partition is served again.

import type { Ledger } from '../ledger.ts'
import { deeds, pick } from './deeds.ts'
import { untilAllServed, untilServed } from './probe.ts'
import type { Times } from './times.ts'
import type { ChaosWorld } from './world.ts'

export interface Stage {
  readonly world: ChaosWorld
  readonly ledger: Ledger
  readonly random: () => number
  readonly times: Times
  readonly say: (line: string) => void
}

const dueInEach = 12
const twoAtOnce = 0.2

export async function runRounds(rounds: number, stage: Stage): Promise<void> {
  const { ledger, random, say } = stage
  for (let round = 1; round <= rounds; round += 1) {
    const chosen = [pick(deeds, random)]
    if (random() < twoAtOnce) chosen.push(pick(deeds, random))
    const beganMs = performance.now()
    const doneBefore = ledger.done
    const due = Array.from({ length: dueInEach }, (_, i) =>
      ledger.send(`due-${round}-${i}`, 'put', { durationMs: Math.round(300 + random() * 6000) }),
    )
    const served: Promise<void>[] = []
    const lost = (what: string, partitions: readonly number[]): void => {
      for (const partition of partitions) served.push(measure(what, partition, chosen.length === 1, stage))
    }
    await Promise.all(chosen.map((deed) => deed.run({ ...stage, lost })))
    await Promise.all([...due, ...served])
    await untilAllServed(stage)
    const seconds = ((performance.now() - beganMs) / 1000).toFixed(1)
    const names = chosen.map(({ name }) => name).join(' and ')
    say(`round ${round}/${rounds}: ${names}; ${seconds} s, ${ledger.done - doneBefore} acknowledged`)
  }
}

async function measure(what: string, partition: number, alone: boolean, stage: Stage): Promise<void> {
  const lostMs = performance.now()
  await untilServed(partition, stage)
  if (alone) stage.times.add(what, performance.now() - lostMs)
}
