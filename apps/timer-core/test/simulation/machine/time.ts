// How a process learns the broker's clock: what nats/cluster-time.ts does, over the simulated broker.

import { pause } from '@timers/shared/clock.ts'
import type { MeasuredClock } from '@timers/shared/cluster/measured-clock.ts'
import { timeLimits } from '@timers/shared/cluster/time-estimator.ts'
import type { Broker } from './broker.ts'
import { usualLatency } from './broker-link.ts'
import type { SimProcess } from './process.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

export interface TimeDeps {
  readonly broker: Broker
  readonly process: SimProcess
  readonly scheduler: Scheduler
  readonly random: Random
  readonly clock: MeasuredClock
}

const everyMs = 5000
const oftenMs = 50
const lookMs = 250
const callMs = 1000

/** Settles when the time is known for the first time. */
export async function followTime(deps: TimeDeps): Promise<void> {
  await new Promise<void>((known) => void follow(deps, known))
}

async function follow(deps: TimeDeps, known: () => void): Promise<never> {
  const { clock } = deps
  for (let taken = 0; ;) {
    if (clock.errorMs() === Infinity) taken = 0
    if (await sample(deps)) {
      taken += 1
      known()
    }
    const untilMs = clock.monotonicMs() + (taken < timeLimits.samples ? oftenMs : everyMs)
    const wasKnown = clock.errorMs() < Infinity
    while (clock.monotonicMs() < untilMs && !(wasKnown && clock.errorMs() === Infinity))
      await pause(clock, Math.min(lookMs, untilMs - clock.monotonicMs()))
  }
}

async function sample({ broker, process, scheduler, random, clock }: TimeDeps): Promise<boolean> {
  const sentAtMs = clock.monotonicMs()
  const latencyMs = (): number => random.between(usualLatency.leastMs, usualLatency.mostMs)
  const brokerMs = await new Promise<number | undefined>((resolve) => {
    process.clock.after(callMs, () => {
      resolve(undefined)
    })
    scheduler.at(scheduler.nowMs + latencyMs(), () => {
      if (!broker.up) return
      const nowMs = broker.nowMs()
      process.input(latencyMs(), () => {
        resolve(nowMs)
      })
    })
  })
  if (brokerMs === undefined) return false
  return clock.take({ sentAtMs, receivedAtMs: clock.monotonicMs(), brokerMs }) !== undefined
}
