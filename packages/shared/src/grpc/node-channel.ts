// What a link needs of the way to a node. gRPC's is in grpc-channel.ts; the simulation has its own. Everything
// that is called back is called later, never within the call.

import type {
  CommandGroup,
  GetRequest,
  GetResponse,
  GroupResult,
  ScanPage,
  ScanRequest,
} from '@timers/proto/timers/core/v1/core.ts'

export interface StreamEvents {
  /** The node has said that it listens: until then nothing that was written has arrived. */
  listens(): void
  answered(results: readonly GroupResult[]): void
  drained(): void
  /** Without a reason the node has ended it. Called once at most, and nothing after it. */
  lost(reason?: string): void
}

export interface NodeStream {
  write(groups: CommandGroup[]): void
  /** Nothing should be written before it has drained. */
  isFull(): boolean
  cancel(): void
}

export interface NodeChannel {
  stream(events: StreamEvents): NodeStream
  /** Undefined when the node did not answer in time, or the signal aborted. */
  get(request: GetRequest, withinMs: number, signal: AbortSignal): Promise<GetResponse | undefined>
  /** Throws a RefusalError when the node does not answer to the end, or has more than `request.limit`. */
  scan(request: ScanRequest, withinMs: number, signal: AbortSignal): AsyncIterable<ScanPage>
  close(): void
}
