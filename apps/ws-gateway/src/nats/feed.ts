// The feed of partitions, read: records as the server republishes them, and messages to viewers. What is
// lost here nobody is told; the follower finds out.

import type { NatsConnection } from '@nats-io/transport-node'
import type { ViewerMessage } from '@timers/shared/cluster/live.ts'
import type { LogRecord } from '@timers/shared/log/record.ts'
import type { Logger } from '@timers/shared/logger.ts'
import { followEvents } from '@timers/shared/nats/event-feed.ts'
import { subscribe } from '@timers/shared/nats/subscribe.ts'
import { subjects } from '@timers/shared/subjects.ts'
import { decodeViewerMessage } from '@timers/shared/wire/live-wire.ts'
import { decodeRecord } from '@timers/shared/wire/record-wire.ts'
import { WireError } from '@timers/shared/wire/wire-error.ts'
import type { FeedPort } from '../fanout/ports.ts'

export interface FeedDeps {
  readonly connection: NatsConnection
  readonly logger: Logger
}

export function createFeed({ connection, logger }: FeedDeps): FeedPort {
  const messages = (subject: string, onMessage: (message: ViewerMessage) => void): Disposable =>
    subscribe(connection, subject, ({ data }) => {
      const message = orWireError(() => decodeViewerMessage(data))
      if (message instanceof WireError) logger.warn({ error: message }, 'a message that cannot be read')
      else onMessage(message)
    })
  return {
    follow(partition, listener) {
      const toViewers = messages(subjects.messages(partition), (message) => {
        listener.onMessage(message)
      })
      const records = followEvents(partition, {
        connection,
        onMessage({ sequence, data }) {
          const record = orWireError<LogRecord>(() => decodeRecord(data))
          if (record instanceof WireError) listener.onBroken(sequence, record.message)
          else listener.onRecord(sequence, record)
        },
      })
      return {
        [Symbol.dispose]() {
          records[Symbol.dispose]()
          toViewers[Symbol.dispose]()
        },
      }
    },
    followTenants: (onMessage) => messages(subjects.messagesToAll, onMessage),
    flushed: () => connection.flush(),
  }
}

/** What was read, or what is wrong with it; any other error is a bug and goes on. */
export function orWireError<T>(read: () => T): T | WireError {
  try {
    return read()
  } catch (error) {
    if (error instanceof WireError) return error
    throw error
  }
}
