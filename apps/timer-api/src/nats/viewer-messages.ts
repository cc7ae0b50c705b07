// Messages to viewers, out: one publish, at most once. Nothing waits here for a connection.

import type { NatsConnection } from '@nats-io/transport-node'
import type { ViewerMessage } from '@timers/shared/cluster/live.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import { subjects } from '@timers/shared/subjects.ts'
import { encodeViewerMessage } from '@timers/shared/wire/live-wire.ts'

/** The answer tells whether it went out. */
export function createViewerMessages(
  options: { partitionCount: number },
  deps: { connection: NatsConnection; connected: () => boolean },
): (message: ViewerMessage) => boolean {
  return (message) => {
    if (!deps.connected()) return false
    const { tenantId, timerId } = message
    const subject =
      timerId === undefined
        ? subjects.messagesToAll
        : subjects.messages(partitionOf(tenantId, timerId, options.partitionCount))
    deps.connection.publish(subject, encodeViewerMessage(message))
    return true
  }
}
