// The way to one timer-core node: a channel, and one stream on which groups of commands go out as many as a
// turn of the loop brings. A group ends answered, or lost with its stream; nothing here is sent twice.

import { credentials, type ChannelOptions, type ClientDuplexStream } from '@grpc/grpc-js'
import {
  TimerCoreClient,
  type CommandGroup,
  type GroupResult,
  type StreamRequest,
  type StreamResponse,
} from '@timers/proto/timers/core/v1/core.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'

export type GroupEnd =
  | { readonly kind: 'answered'; readonly result: GroupResult }
  /** `sent`: it may have reached the node. */
  | { readonly kind: 'lost'; readonly sent: boolean }

export interface CoreLinkDeps {
  readonly clock: Clock
  readonly logger: Logger
}

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
const commandsAMessage = 1000
/** More than any cluster has. */
const partitionsMost = 2 ** 16

interface Outgoing {
  readonly key: number
  readonly group: CommandGroup
  readonly end: (end: GroupEnd) => void
}

export class CoreLink {
  readonly client: TimerCoreClient
  readonly #closing = new AbortController()
  readonly #deps: CoreLinkDeps
  #stream: ClientDuplexStream<StreamRequest, StreamResponse> | undefined
  /** The node has said that it listens. */
  #ready = false
  #queue: Outgoing[] = []
  readonly #sent = new Map<number, Outgoing>()
  #flushComes = false

  constructor(options: { readonly address: string }, deps: CoreLinkDeps) {
    this.client = new TimerCoreClient(options.address, credentials.createInsecure(), channelOptions)
    this.#deps = deps
  }

  /** Aborted when the node is gone: a call to one that stands still would wait for its deadline. */
  get signal(): AbortSignal {
    return this.#closing.signal
  }

  /** `end` is called once, later; the answer makes the link forget the group, and then it is not called. */
  send(group: CommandGroup, end: (end: GroupEnd) => void): () => void {
    const outgoing = { key: keyOf(group.partition, leastOf(group.commands)), group, end }
    this.#queue.push(outgoing)
    if (!this.signal.aborted) this.#stream ??= this.#open()
    this.#flushSoon()
    return () => {
      this.#sent.delete(outgoing.key)
      this.#queue = this.#queue.filter((waiting) => waiting !== outgoing)
    }
  }

  /** Its groups are lost. */
  close(): void {
    this.#closing.abort()
    this.#stream?.cancel()
    this.#lose()
    this.client.close()
  }

  #open(): ClientDuplexStream<StreamRequest, StreamResponse> {
    const stream = this.client.stream()
    const lost = (): void => {
      if (this.#stream === stream) this.#lose()
    }
    stream.on('metadata', () => {
      if (this.#stream !== stream) return
      this.#ready = true
      this.#flush()
    })
    stream.on('data', (response: StreamResponse) => {
      for (const result of response.results) this.#answered(result)
    })
    stream.on('drain', () => {
      this.#flush()
    })
    stream.on('error', (error) => {
      if (!this.signal.aborted)
        this.#deps.logger.warn({ error: error.message }, 'the stream to a timer-core node is lost')
      lost()
    })
    stream.on('end', lost)
    return stream
  }

  #answered(result: GroupResult): void {
    const least = Math.min(leastOf(result.results), ...result.unanswered)
    const key = keyOf(result.partition, least)
    const outgoing = this.#sent.get(key)
    if (outgoing === undefined) return
    this.#sent.delete(key)
    outgoing.end({ kind: 'answered', result })
  }

  /** All that this turn of the loop brings goes out together. */
  #flushSoon(): void {
    if (this.#flushComes) return
    this.#flushComes = true
    this.#deps.clock.soon(() => {
      this.#flushComes = false
      if (this.signal.aborted) this.#lose()
      else this.#flush()
    })
  }

  /** What waits, in few messages; what the stream does not take now goes when it has drained. */
  #flush(): void {
    const stream = this.#stream
    if (stream === undefined || !this.#ready) return
    while (this.#queue.length > 0 && !stream.writableNeedDrain) {
      const groups: CommandGroup[] = []
      let commands = 0
      let taken = 0
      for (const outgoing of this.#queue) {
        if (commands > 0 && commands + outgoing.group.commands.length > commandsAMessage) break
        commands += outgoing.group.commands.length
        groups.push(outgoing.group)
        this.#sent.set(outgoing.key, outgoing)
        taken += 1
      }
      this.#queue.splice(0, taken)
      stream.write({ groups })
    }
  }

  #lose(): void {
    this.#stream = undefined
    this.#ready = false
    const sent = [...this.#sent.values()]
    const unsent = this.#queue
    this.#sent.clear()
    this.#queue = []
    for (const { end } of sent) end({ kind: 'lost', sent: true })
    for (const { end } of unsent) end({ kind: 'lost', sent: false })
  }
}

/** A command is in one group at a time, so its least n names a group. */
function keyOf(partition: number, least: number): number {
  return least * partitionsMost + partition
}

function leastOf(numbered: readonly { readonly n: number }[]): number {
  let least = Infinity
  for (const { n } of numbered) if (n < least) least = n
  return least
}
