// Measures the clock of the broker that leads partition 0's log: each answer about that stream says when it was
// made. Often at first and whenever the time is not known, then each five seconds.

import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { pause } from '../clock.ts'
import type { MeasuredClock } from '../cluster/measured-clock.ts'
import { timeLimits } from '../cluster/time-estimator.ts'
import type { Logger } from '../logger.ts'
import { subjects } from '../subjects.ts'

export interface ClusterTime extends AsyncDisposable {
  /** Settles when the time is known for the first time. */
  readonly known: Promise<void>
}

const everyMs = 5000
const oftenMs = 50
/** How soon a jump of this machine's clock is seen. */
const lookMs = 250
const callWithinMs = 1000

/** The cluster need not be made yet. Disposing ends the questions; the clock goes on with what it knows. */
export function followClusterTime(deps: {
  readonly connection: NatsConnection
  readonly clock: MeasuredClock
  readonly logger: Logger
}): ClusterTime {
  const { connection, clock, logger } = deps
  const closing = new AbortController()
  const { signal } = closing
  const known = Promise.withResolvers<undefined>()
  const manager = jetstreamManager(connection, { timeout: callWithinMs, checkAPI: false })

  /** False: no answer, or one that says nothing. */
  const sample = async (): Promise<boolean> => {
    const sentAtMs = clock.monotonicMs()
    try {
      const { streams } = await manager
      const { ts } = await streams.info(subjects.stream(0))
      const receivedAtMs = clock.monotonicMs()
      const brokerMs = instantOf(ts)
      if (Number.isNaN(brokerMs)) throw new Error('the broker does not say when it answers')
      const byMs = clock.take({ sentAtMs, receivedAtMs, brokerMs })
      if (byMs === undefined) return false
      if (byMs !== 0) logger.info({ byMs }, 'the time was set to the broker’s')
      known.resolve(undefined)
      return true
    } catch {
      // Not made yet, or out of reach: what cannot be measured shows in the error of the time.
      return false
    }
  }
  /** Shorter when the time becomes unknown meanwhile. */
  const rest = async (ms: number): Promise<void> => {
    const wasKnown = clock.errorMs() < Infinity
    const untilMs = clock.monotonicMs() + ms
    for (let leftMs = ms; leftMs > 0 && !signal.aborted; leftMs = untilMs - clock.monotonicMs()) {
      await pause(clock, Math.min(lookMs, leftMs), signal)
      if (wasKnown && clock.errorMs() === Infinity) return
    }
  }
  const run = async (): Promise<void> => {
    let taken = 0
    while (!signal.aborted) {
      if (clock.errorMs() === Infinity) taken = 0
      if (await sample()) taken += 1
      await rest(taken < timeLimits.samples ? oftenMs : everyMs)
    }
  }
  const running = run()
  return {
    known: known.promise,
    async [Symbol.asyncDispose]() {
      closing.abort()
      await running
    },
  }
}

/** Epoch ms with its fraction, which Date.parse drops. */
function instantOf(text = ''): number {
  const fraction = /\.\d{3}(\d+)/.exec(text)?.[1]
  return Date.parse(text) + (fraction === undefined ? 0 : Number(`0.${fraction}`))
}
