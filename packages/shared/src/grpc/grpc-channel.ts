// The way to one timer-core node over gRPC.

import { credentials, Metadata, status, type ChannelOptions, type ServiceError } from '@grpc/grpc-js'
import {
  TimerCoreClient,
  type GetRequest,
  type GetResponse,
  type ScanPage,
  type ScanRequest,
  type StreamResponse,
} from '@timers/proto/timers/core/v1/core.ts'
import { RefusalError } from '../errors.ts'
import type { NodeChannel, NodeStream, StreamEvents } from './node-channel.ts'

/** A page of 500 timers with all their metadata fits; both ends use it. */
export const coreMessageBytes = 16 * 1024 * 1024

const channelOptions: ChannelOptions = {
  'grpc.max_receive_message_length': coreMessageBytes,
  'grpc.max_send_message_length': coreMessageBytes,
  'grpc.keepalive_time_ms': 2000,
  'grpc.keepalive_timeout_ms': 2000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
}

/** `address`: host:port, as its heartbeats say. */
export function openGrpcChannel(address: string): NodeChannel {
  const client = new TimerCoreClient(address, credentials.createInsecure(), channelOptions)
  return {
    stream: (events) => openStream(client, events),
    get: (request, withinMs, signal) => get(client, request, withinMs, signal),
    scan: (request, withinMs, signal) => scan(client, request, withinMs, signal),
    close() {
      client.close()
    },
  }
}

function openStream(client: TimerCoreClient, events: StreamEvents): NodeStream {
  const stream = client.stream()
  let over = false
  const lost = (reason?: string): void => {
    if (over) return
    over = true
    events.lost(reason)
  }
  stream.on('metadata', () => {
    events.listens()
  })
  stream.on('data', ({ results }: StreamResponse) => {
    events.answered(results)
  })
  stream.on('drain', () => {
    events.drained()
  })
  stream.on('error', ({ message }) => {
    lost(message)
  })
  stream.on('end', () => {
    lost()
  })
  return {
    write: (groups) => void stream.write({ groups }),
    isFull: () => stream.writableNeedDrain,
    cancel() {
      stream.cancel()
    },
  }
}

function get(
  client: TimerCoreClient,
  request: GetRequest,
  withinMs: number,
  signal: AbortSignal,
): Promise<GetResponse | undefined> {
  return new Promise((resolve) => {
    const call = client.get(
      request,
      new Metadata(),
      { deadline: Date.now() + withinMs },
      (error: ServiceError | null, response) => {
        signal.removeEventListener('abort', cancel)
        resolve(error === null ? response : undefined)
      },
    )
    const cancel = (): void => {
      call.cancel()
    }
    signal.addEventListener('abort', cancel)
  })
}

async function* scan(
  client: TimerCoreClient,
  request: ScanRequest,
  withinMs: number,
  signal: AbortSignal,
): AsyncGenerator<ScanPage, void, void> {
  const call = client.scan(request, new Metadata(), { deadline: Date.now() + withinMs })
  const cancel = (): void => {
    call.cancel()
  }
  signal.addEventListener('abort', cancel)
  try {
    yield* call as AsyncIterable<ScanPage>
  } catch (error) {
    throw refusalOf(error, request.limit)
  } finally {
    signal.removeEventListener('abort', cancel)
    call.cancel()
  }
}

function refusalOf(error: unknown, limit: number): RefusalError {
  if (error instanceof Error && 'code' in error && error.code === status.RESOURCE_EXHAUSTED) {
    return new RefusalError({ code: 'quota_exceeded', detail: `More than ${limit} timers match.` })
  }
  // The library's words name addresses: they are not for clients.
  const detail = 'The timers could not be read.'
  return new RefusalError({ code: 'unavailable', detail, retryAfterMs: 500 }, { cause: error })
}
