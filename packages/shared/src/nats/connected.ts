// Whether a connection that comes back by itself is up at the moment: for readiness, and for what must not
// be kept until it is.

import type { NatsConnection } from '@nats-io/transport-node'

export function followConnected(connection: NatsConnection): () => boolean {
  let connected = !connection.isClosed()
  const follow = async (): Promise<void> => {
    for await (const { type } of connection.status()) {
      if (type === 'reconnect') connected = true
      else if (type === 'disconnect' || type === 'close') connected = false
    }
    connected = false
  }
  void follow()
  return () => connected
}
