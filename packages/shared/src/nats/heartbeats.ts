// Heartbeats: every process says who it is and what it owns; every process follows the others into its
// Directory. A lost one means nothing, silence does.

import type { NatsConnection } from '@nats-io/transport-node'
import { pause, type Clock } from '../clock.ts'
import type { Directory, NodeState } from '../cluster/directory.ts'
import type { Logger } from '../logger.ts'
import { subjects } from '../subjects.ts'
import { decodeHeartbeat, encodeHeartbeat } from '../wire/live-wire.ts'
import { WireError } from '../wire/wire-error.ts'
import { subscribe } from './subscribe.ts'

export interface Heartbeats extends AsyncDisposable {
  /** One at once, beside the regular ones: something others wait for has changed. */
  now(): void
}

const farewellWithinMs = 500
const sweepEveryMs = 250

/** Disposing says goodbye: the others need not wait for the silence. */
export function startHeartbeats(
  options: { intervalMs: number },
  deps: { connection: NatsConnection; clock: Clock; self: () => NodeState },
): Heartbeats {
  const { connection, clock, self } = deps
  const say = (state: NodeState): void => {
    // While there is no connection nobody hears; the silence says it.
    if (!connection.isClosed()) connection.publish(subjects.nodes, encodeHeartbeat(state))
  }
  let cancel: () => void
  const beat = (): void => {
    cancel = clock.after(options.intervalMs, beat)
    say(self())
  }
  beat()
  return {
    now() {
      say(self())
    },
    async [Symbol.asyncDispose]() {
      cancel()
      if (connection.isClosed()) return
      say({ ...self(), owned: [], leaving: true })
      // The pause ends with the flush: one that goes on would keep the process for its whole length.
      const flushed = new AbortController()
      const heard = (): void => {
        flushed.abort()
      }
      connection.flush().then(heard, heard)
      await pause(clock, farewellWithinMs, flushed.signal)
    },
  }
}

export function followHeartbeats(deps: {
  connection: NatsConnection
  directory: Directory
  clock: Clock
  logger: Logger
}): AsyncDisposable {
  const { connection, directory, clock, logger } = deps
  const subscription = subscribe(connection, subjects.nodes, (message) => {
    const state = readHeartbeat(message.data, logger)
    if (state !== undefined) directory.hear(state, clock.monotonicMs())
  })
  let cancel: () => void
  const later = (): void => {
    // After what waits to be read: this process may have been the one that stood still.
    cancel = clock.after(sweepEveryMs, () => {
      cancel = clock.soon(() => {
        directory.sweep(clock.monotonicMs())
        later()
      })
    })
  }
  later()
  return {
    async [Symbol.asyncDispose]() {
      cancel()
      subscription[Symbol.dispose]()
      return Promise.resolve()
    },
  }
}

function readHeartbeat(bytes: Uint8Array, logger: Logger): NodeState | undefined {
  try {
    return decodeHeartbeat(bytes)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    logger.warn({ error }, 'a heartbeat that cannot be read')
    return undefined
  }
}
