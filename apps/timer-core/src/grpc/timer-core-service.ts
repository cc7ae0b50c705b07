// core-face.ts over gRPC: calls, streams, statuses. Decides nothing.

import type { Writable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  Metadata,
  status,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js'
import {
  TimerCoreService,
  type CommandGroup,
  type GetRequest,
  type GetResponse,
  type GroupResult,
  type HandOver,
  type HandOverAnswer,
  type ScanPage,
  type ScanRequest,
  type StreamRequest,
  type StreamResponse,
  type TimerCoreServer,
} from '@timers/proto/timers/core/v1/core.ts'
import type { Clock } from '@timers/shared/clock.ts'
import type { GrpcService } from '@timers/shared/grpc/serve.ts'
import { selectionFromWire } from '@timers/shared/wire/command-wire.ts'
import { WireError } from '@timers/shared/wire/wire-error.ts'
import { get, scan, submit, type CoreFaceDeps } from './core-face.ts'

export interface TimerCoreServiceDeps extends CoreFaceDeps {
  readonly clock: Clock
}

/** Groups of one stream that wait for their answers or to be read; a caller that sends more is cut off. */
const groupsAStream = 100_000

export function timerCoreService(deps: TimerCoreServiceDeps): GrpcService {
  const implementation: TimerCoreServer = {
    execute(call: ServerUnaryCall<CommandGroup, GroupResult>, callback: sendUnaryData<GroupResult>) {
      try {
        submit(call.request, deps, (result) => {
          callback(null, result)
        })
      } catch (error) {
        callback(invalid(error))
      }
    },
    stream(call: ServerDuplexStream<StreamRequest, StreamResponse>) {
      serveStream(call, deps)
    },
    get(call: ServerUnaryCall<GetRequest, GetResponse>, callback: sendUnaryData<GetResponse>) {
      void get(call.request, deps).then((response) => {
        callback(null, response)
      })
    },
    scan(call: ServerWritableStream<ScanRequest, ScanPage>) {
      serveScan(call, deps).catch((error: unknown) => {
        fail(call, invalid(error))
      })
    },
    prepare(call: ServerUnaryCall<HandOver, HandOverAnswer>, callback: sendUnaryData<HandOverAnswer>) {
      void deps.host.prepare(call.request.partition).then((done) => {
        callback(null, { done })
      })
    },
    take(call: ServerUnaryCall<HandOver, HandOverAnswer>, callback: sendUnaryData<HandOverAnswer>) {
      void deps.host.take(call.request.partition).then((done) => {
        callback(null, { done })
      })
    },
  }
  return { name: 'timers.core.v1.TimerCore', definition: TimerCoreService, implementation }
}

function invalid(error: unknown): { code: number; details: string } {
  const code = error instanceof WireError ? status.INVALID_ARGUMENT : status.INTERNAL
  return { code, details: error instanceof Error ? error.message : String(error) }
}

/** Ends the call with this status. Destroying it would end it without one: its caller would wait on. */
function fail(call: Writable, { code, details }: { code: number; details: string }): void {
  if (!call.writableEnded) call.emit('error', Object.assign(new Error(details), { code, details }))
}

/** What several partitions answer in one turn of the loop goes out as one message. */
function serveStream(
  call: ServerDuplexStream<StreamRequest, StreamResponse>,
  deps: TimerCoreServiceDeps,
): void {
  let results: GroupResult[] = []
  /** Groups whose results are not written yet. */
  let open = 0
  let ended = false
  let cancelFlush: (() => void) | undefined
  const flush = (): void => {
    cancelFlush = undefined
    // A caller that does not read is waited for; what it has not read counts as open.
    if (call.cancelled || call.writableEnded || call.writableNeedDrain) return
    if (results.length > 0) call.write({ results })
    open -= results.length
    results = []
    if (ended && open === 0) call.end()
  }
  const answer = (result: GroupResult): void => {
    results.push(result)
    cancelFlush ??= deps.clock.soon(flush)
  }
  // Says that the node listens: until then a client knows that nothing it sent has arrived.
  call.sendMetadata(new Metadata())
  call.on('data', ({ groups }: StreamRequest) => {
    if (call.writableEnded) return
    open += groups.length
    try {
      if (open > groupsAStream) throw new Error(`More than ${groupsAStream} groups wait`)
      for (const group of groups) submit(group, deps, answer)
    } catch (error) {
      fail(call, invalid(error))
    }
  })
  call.on('drain', flush)
  call.on('end', () => {
    ended = true
    cancelFlush ??= deps.clock.soon(flush)
  })
  call.on('error', () => {
    cancelFlush?.()
    results = []
  })
}

async function serveScan(
  call: ServerWritableStream<ScanRequest, ScanPage>,
  deps: TimerCoreServiceDeps,
): Promise<void> {
  const { tenantId, partitions, limit } = call.request
  const selection = selectionFromWire(call.request.selection)
  let left = limit
  for (const number of partitions) {
    for await (const page of scan(tenantId, number, selection, deps)) {
      if (call.cancelled) return
      left -= page.timers.length
      if (left < 0) {
        fail(call, { code: status.RESOURCE_EXHAUSTED, details: `More than ${limit} timers` })
        return
      }
      const drained = call.write(page)
      if (page.notOwner !== undefined) {
        call.end()
        return
      }
      // Commands come first; and a reader that is slow is waited for.
      if (!drained) await new Promise((resolve) => call.once('drain', resolve).once('close', resolve))
      await nextTurn()
    }
  }
  call.end()
}
