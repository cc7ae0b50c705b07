// What core tells and hears on core NATS beside its log: ticks out, watch lists in. All of it may be lost.

import type { NatsConnection } from '@nats-io/transport-node'
import type { Tick, WatchList } from '@timers/shared/cluster/live.ts'
import type { Logger } from '@timers/shared/logger.ts'
import { subjects } from '@timers/shared/subjects.ts'
import { decodeWatchList, encodeTicks } from '@timers/shared/wire/live-wire.ts'
import { WireError } from '@timers/shared/wire/wire-error.ts'

export function sendTicksOn(connection: NatsConnection): (partition: number, ticks: readonly Tick[]) => void {
  return (partition, ticks) => {
    if (!connection.isClosed()) connection.publish(subjects.ticks(partition), encodeTicks(ticks))
  }
}

/** The lists of every partition; `heard` is to ignore those of partitions it does not serve. */
export function followWatchLists(deps: {
  readonly connection: NatsConnection
  readonly logger: Logger
  readonly heard: (partition: number, list: WatchList) => void
}): Disposable {
  const { connection, logger, heard } = deps
  const subscription = connection.subscribe(subjects.anyWatch, {
    callback(_, message) {
      const partition = Number(message.subject.slice(message.subject.lastIndexOf('.') + 1))
      try {
        heard(partition, decodeWatchList(message.data))
      } catch (error) {
        if (!(error instanceof WireError)) throw error
        logger.warn({ error }, 'a watch list that cannot be read')
      }
    },
  })
  return {
    [Symbol.dispose]() {
      subscription.unsubscribe()
    },
  }
}
