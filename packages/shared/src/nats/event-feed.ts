// The event feed of a partition: its log as the server republishes it, by callback, for speed. A
// message may be lost, the last one without a trace: sequences and heartbeats show it, the log has it.

import { RepublishHeaders } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { subjects } from '../subjects.ts'
import type { LogMessage } from './log-reader.ts'
import { subscribe } from './subscribe.ts'

export function followEvents(
  partition: number,
  deps: { connection: NatsConnection; onMessage: (message: LogMessage) => void },
): Disposable {
  return subscribe(deps.connection, subjects.events(partition), ({ headers, data }) => {
    if (headers === undefined) return
    const sequence = Number(headers.get(RepublishHeaders.Sequence))
    const storedAtMs = Date.parse(headers.get('Nats-Time-Stamp'))
    // Others can publish there too; only the server knows these two.
    if (sequence > 0 && storedAtMs > 0) deps.onMessage({ sequence, storedAtMs, data })
  })
}
