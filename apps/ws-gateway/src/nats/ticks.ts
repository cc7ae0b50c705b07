// Ticks in, and which are wanted out. Nothing waits here for a connection: all of it may be lost.

import type { NatsConnection } from '@nats-io/transport-node'
import type { Logger } from '@timers/shared/logger.ts'
import { subscribe } from '@timers/shared/nats/subscribe.ts'
import { subjects } from '@timers/shared/subjects.ts'
import { decodeTicks, encodeWatchList } from '@timers/shared/wire/live-wire.ts'
import { WireError } from '@timers/shared/wire/wire-error.ts'
import type { TickPort } from '../fanout/ports.ts'
import { orWireError } from './feed.ts'

export interface TicksDeps {
  readonly connection: NatsConnection
  readonly connected: () => boolean
  readonly logger: Logger
}

/** Timers in one watch list, which is to stay under 256 KiB: ids take at most 194 bytes each. */
const timersInAList = 1000

export function createTicks(options: { readonly gateway: string }, deps: TicksDeps): TickPort {
  const { connection, connected, logger } = deps
  return {
    follow: (partition, onTicks) =>
      subscribe(connection, subjects.ticks(partition), ({ data }) => {
        const ticks = orWireError(() => decodeTicks(data))
        if (ticks instanceof WireError) logger.warn({ error: ticks }, 'ticks that cannot be read')
        else onTicks(ticks)
      }),
    watch(partition, watched) {
      if (!connected()) return
      for (let from = 0; from < watched.length; from += timersInAList) {
        const list = { gateway: options.gateway, watched: watched.slice(from, from + timersInAList) }
        connection.publish(subjects.watch(partition), encodeWatchList(list))
      }
    },
  }
}
