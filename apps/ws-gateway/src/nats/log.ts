// The log of a partition, for what the feed lost.

import { LogHoleError, type LogReader } from '@timers/shared/nats/log-reader.ts'
import { decodeRecord } from '@timers/shared/wire/record-wire.ts'
import { WireError } from '@timers/shared/wire/wire-error.ts'
import type { LogPort } from '../fanout/ports.ts'
import { orWireError } from './feed.ts'

/** Records of one read: up to a thousand events each, all told in one turn. */
const recordsAtOnce = 32

export function createLog(deps: { readonly reader: LogReader }): LogPort {
  return {
    async read(partition, from) {
      try {
        const messages = await deps.reader.read(partition, from, recordsAtOnce)
        const records = orWireError(() =>
          messages.map(({ sequence, data }) => ({ sequence, record: decodeRecord(data) })),
        )
        return records instanceof WireError ? 'lost' : records
      } catch (error) {
        if (error instanceof LogHoleError) return 'lost'
        throw error
      }
    },
  }
}
