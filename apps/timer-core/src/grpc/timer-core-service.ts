// The gRPC face of this node's partitions. Reads messages, finds the partition, writes what it says; decides
// nothing. A partition this node does not serve is answered with NotOwner and the name of who should.

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
  type ScanPage,
  type ScanRequest,
  type StreamRequest,
  type StreamResponse,
  type TimerCoreServer,
} from '@timers/proto/timers/core/v1/core.ts'
import type { Clock } from '@timers/shared/clock.ts'
import type { GrpcService } from '@timers/shared/grpc/serve.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import {
  commandFromWire,
  getResultToWire,
  resultToWire,
  scanPageToWire,
  selectionFromWire,
} from '@timers/shared/wire/command-wire.ts'
import { WireError } from '@timers/shared/wire/wire-error.ts'
import type { GroupOutcome } from '../partition/mailbox.ts'
import type { Host } from '../placement/host.ts'

export interface TimerCoreServiceDeps {
  readonly clock: Clock
  readonly host: Host
  readonly partitionCount: number
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
      scan(call, deps).catch((error: unknown) => {
        fail(call, invalid(error))
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

/** Throws a WireError, and then nothing of the group is taken. */
function submit(group: CommandGroup, deps: TimerCoreServiceDeps, done: (result: GroupResult) => void): void {
  const { session, answeredBelow } = group
  const commands = group.commands.map(commandFromWire)
  for (const { tenantId, timerId } of commands) {
    // In a log that is not its own it would be a damage that no replay gets over.
    if (partitionOf(tenantId, timerId, deps.partitionCount) !== group.partition)
      throw new WireError('command.timerId', `does not belong to partition ${group.partition}`)
  }
  const partition = deps.host.partition(group.partition)
  if (partition === undefined) {
    const unanswered = commands.map(({ n }) => n)
    done(
      toResult(group, { results: [], unanswered, owner: deps.host.named(group.partition), mayBeDone: false }),
    )
    return
  }
  partition.submit({ session, answeredBelow, commands }, (outcome) => {
    done(toResult(group, outcome))
  })
}

function toResult({ partition, session }: CommandGroup, outcome: GroupOutcome): GroupResult {
  const { unanswered, owner, mayBeDone } = outcome
  return {
    partition,
    session,
    results: outcome.results.map(({ n, result }) => resultToWire(n, result)),
    notOwner: unanswered.length > 0 ? { to: owner ?? '' } : undefined,
    unanswered: [...unanswered],
    mayBeDone,
  }
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

async function get(request: GetRequest, deps: TimerCoreServiceDeps): Promise<GetResponse> {
  const { tenantId, timerId, afterVersion, waitMs } = request
  const number = partitionOf(tenantId, timerId, deps.partitionCount)
  const outcome = await deps.host.partition(number)?.get({ tenantId, timerId, afterVersion, waitMs })
  switch (outcome?.kind) {
    case 'found':
      return getResultToWire({
        ok: true,
        timer: outcome.timer,
        partition: number,
        sequence: outcome.sequence,
      })
    case 'refused':
      return getResultToWire({
        ok: false,
        refusal: outcome.refusal,
        partition: number,
        sequence: outcome.sequence,
      })
    case 'notOwner':
    case undefined: {
      const to = outcome?.owner ?? deps.host.named(number) ?? ''
      return { code: '', detail: '', timer: undefined, sequence: 0, retryAfterMs: 0, notOwner: { to } }
    }
  }
}

async function scan(
  call: ServerWritableStream<ScanRequest, ScanPage>,
  deps: TimerCoreServiceDeps,
): Promise<void> {
  const { tenantId, partitions, limit } = call.request
  const selection = selectionFromWire(call.request.selection)
  let left = limit
  for (const number of partitions) {
    const pages = deps.host.partition(number)?.scan(tenantId, selection)
    if (pages === undefined) {
      const to = deps.host.named(number) ?? ''
      call.write({ partition: number, sequence: 0, term: '', timers: [], more: false, notOwner: { to } })
      break
    }
    for (const page of pages) {
      if (call.cancelled) return
      left -= page.timers.length
      if (left < 0) {
        fail(call, { code: status.RESOURCE_EXHAUSTED, details: `More than ${limit} timers` })
        return
      }
      const drained = call.write(scanPageToWire(page))
      // Commands come first; and a reader that is slow is waited for.
      if (!drained) await new Promise((resolve) => call.once('drain', resolve).once('close', resolve))
      await nextTurn()
    }
  }
  call.end()
}
