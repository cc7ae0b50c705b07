// A subscription by callback, without the client's trap: what its callbacks throw ends the reading of
// the connection without a word. Here a throw is what it is everywhere: a bug that crashes.

import type { Msg, NatsConnection } from '@nats-io/transport-node'

export function subscribe(
  connection: NatsConnection,
  subject: string,
  onMessage: (message: Msg) => void,
): Disposable {
  const subscription = connection.subscribe(subject, {
    callback(error, message) {
      // What the server refuses is told by the connection's status.
      if (error !== null) return
      try {
        onMessage(message)
      } catch (bug) {
        queueMicrotask(() => {
          throw bug
        })
      }
    },
  })
  return {
    [Symbol.dispose]() {
      subscription.unsubscribe()
    },
  }
}
