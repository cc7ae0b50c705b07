// The port PartitionLog over a link to the simulated broker: what event-log.ts is over NATS.

import { decodeRecord, encodeRecord } from '@timers/shared/wire/record-wire.ts'
import { WireError } from '@timers/shared/wire/wire-error.ts'
import type { LogRecord } from '@timers/shared/log/record.ts'
import type { AppendOutcome, PartitionLog, StoredRecord } from '../../../src/partition/ports.ts'
import type { Broker } from './broker.ts'
import type { BrokerLink } from './broker-link.ts'
import type { Random } from './random.ts'
import { noRoom, tooLarge, type AppendAnswer, type Stored } from './stream.ts'

export interface MemoryLogDeps {
  readonly broker: Broker
  readonly link: BrokerLink
  readonly random: Random
  /** False plants a bug. */
  readonly fenced: boolean
}

export function createMemoryLog(partition: number, deps: MemoryLogDeps): PartitionLog {
  const { broker, link, random, fenced } = deps
  const stream = broker.stream(partition)
  const asOfMs = (): number => link.staleSinceMs ?? Infinity
  return {
    connectionId: () => link.id,
    append: (record, expected, connectionId) =>
      link.id === connectionId && link.id !== 0
        ? append(encoded(record), expected)
        : Promise.resolve({ kind: 'unknown', detail: 'the connection is another one' }),
    async read(from, most): Promise<StoredRecord[]> {
      const records = await link.request<readonly Stored[]>((answer) => {
        const there = stream.read(from, most, asOfMs())
        answer(random.chance(link.mishaps.short) ? there.slice(0, random.integer(0, there.length)) : there)
      })
      const found = records[0]?.sequence ?? from
      if (found !== from) throw new Error(`The log has no record ${from}; the next is ${found}`)
      return records.map(({ sequence, storedAtMs, bytes }) => ({
        sequence,
        storedAtMs,
        record: decodeRecord(bytes),
      }))
    },
    async last() {
      const stored = await link.request<Stored | undefined>((answer) => {
        answer(stream.read(stream.ends(asOfMs()).last, 1, asOfMs())[0])
      })
      if (stored === undefined) return undefined
      const { sequence, storedAtMs, bytes } = stored
      return { sequence, storedAtMs, record: decodeRecord(bytes) }
    },
    ends: () =>
      link.request((answer) => {
        answer(stream.ends(asOfMs()))
      }),
    purge: (below) =>
      link.request((answer) => {
        stream.purge(below - 1)
        answer(undefined)
      }),
  }

  async function append(bytes: Uint8Array | WireError, expected: number): Promise<AppendOutcome> {
    if (bytes instanceof WireError) return { kind: 'refused', reason: 'payload', detail: bytes.message }
    try {
      const answer = await link.request<AppendAnswer>((reply) => {
        stream.append(bytes, fenced ? expected : undefined, reply)
      })
      if (!fenced && answer.kind === 'ack')
        return { kind: 'committed', sequence: expected + 1, bytes: bytes.length }
      return outcomeOf(answer, expected, bytes.length)
    } catch (error) {
      return { kind: 'unknown', detail: String(error) }
    }
  }
}

function encoded(record: LogRecord): Uint8Array | WireError {
  try {
    return encodeRecord(record)
  } catch (error) {
    if (error instanceof WireError) return error
    throw error
  }
}

function outcomeOf(answer: AppendAnswer, expected: number, bytes: number): AppendOutcome {
  if (answer.kind === 'ack') {
    const { sequence } = answer
    return sequence === expected + 1
      ? { kind: 'committed', sequence, bytes }
      : { kind: 'unknown', detail: `stored as ${sequence}, expected ${expected + 1}` }
  }
  if (answer.code === noRoom) return { kind: 'refused', reason: 'full', detail: answer.text }
  if (answer.code === tooLarge) return { kind: 'refused', reason: 'payload', detail: answer.text }
  return { kind: 'unknown', detail: answer.text }
}
