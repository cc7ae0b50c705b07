// The way to one timer-core node: a channel, and one stream on which groups of commands go out as many as a
// turn of the loop brings. A group ends answered, or lost with its stream; nothing here is sent twice.
// The breaker is told whether the node is reached. Knows no gRPC: the channel is handed in.

import type { CommandGroup, GroupResult } from '@timers/proto/timers/core/v1/core.ts'
import type { Clock } from '../clock.ts'
import { Breaker } from '../cluster/breaker.ts'
import type { Logger } from '../logger.ts'
import type { NodeChannel, NodeStream } from './node-channel.ts'

export type GroupEnd =
  | { readonly kind: 'answered'; readonly result: GroupResult }
  /** `sent`: it may have reached the node. */
  | { readonly kind: 'lost'; readonly sent: boolean }

export interface CoreLinkDeps {
  readonly channel: NodeChannel
  readonly clock: Clock
  readonly logger: Logger
}

const commandsAMessage = 1000
/** A node that does not say that it listens is not reached. */
const listensWithinMs = 1000
/** More than any cluster has. */
const partitionsMost = 2 ** 16

interface Outgoing {
  readonly key: number
  readonly group: CommandGroup
  readonly end: (end: GroupEnd) => void
}

export class CoreLink {
  readonly channel: NodeChannel
  readonly breaker = new Breaker()
  readonly #closing = new AbortController()
  readonly #deps: CoreLinkDeps
  #stream: NodeStream | undefined
  /** The node has said that it listens. */
  #ready = false
  #queue: Outgoing[] = []
  readonly #sent = new Map<number, Outgoing>()
  #flushComes = false

  constructor(deps: CoreLinkDeps) {
    this.channel = deps.channel
    this.#deps = deps
  }

  /** Aborted when the node is gone: a call to one that stands still would wait for its deadline. */
  get signal(): AbortSignal {
    return this.#closing.signal
  }

  /**
   * `end` is called once, later; the answer makes the link forget the group, and then it is not called: it says
   * whether the group may have reached the node.
   */
  send(group: CommandGroup, end: (end: GroupEnd) => void): () => boolean {
    const outgoing = { key: keyOf(group.partition, leastOf(group.commands)), group, end }
    this.#queue.push(outgoing)
    if (!this.signal.aborted) this.#stream ??= this.#open()
    this.#flushSoon()
    return () => {
      this.#queue = this.#queue.filter((waiting) => waiting !== outgoing)
      return this.#sent.delete(outgoing.key)
    }
  }

  /** Its groups are lost. */
  close(): void {
    this.#closing.abort()
    this.#stream?.cancel()
    this.#lose()
    this.channel.close()
  }

  #open(): NodeStream {
    const { clock } = this.#deps
    const stream: NodeStream = this.channel.stream({
      listens: () => {
        if (this.#stream !== stream) return
        giveUp()
        this.breaker.succeeded()
        this.#ready = true
        this.#flush()
      },
      answered: (results) => {
        this.breaker.succeeded()
        for (const result of results) this.#answered(result)
      },
      drained: () => {
        this.#flush()
      },
      lost: (reason) => {
        if (this.#stream !== stream) return
        if (reason !== undefined)
          this.#deps.logger.warn({ error: reason }, 'the stream to a timer-core node is lost')
        giveUp()
        if (!this.#ready) this.breaker.failed(clock.monotonicMs())
        this.#lose()
      },
    })
    const giveUp = clock.after(listensWithinMs, () => {
      if (this.#stream !== stream) return
      this.breaker.failed(clock.monotonicMs())
      this.#lose()
      stream.cancel()
    })
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
    while (this.#queue.length > 0 && !stream.isFull()) {
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
      stream.write(groups)
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
