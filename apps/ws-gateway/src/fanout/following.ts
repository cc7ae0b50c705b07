// One partition that somebody watches: its follower tied to the feed, the log and the owner's heartbeats.

import type { Clock } from '@timers/shared/clock.ts'
import type { ViewerMessage } from '@timers/shared/cluster/live.ts'
import type { LogRecord } from '@timers/shared/log/record.ts'
import type { Counts } from './counts.ts'
import { Follower } from './follower.ts'
import type { waits } from './limits.ts'
import type { DirectoryPort, FeedPort, LogPort, ReportPort } from './ports.ts'
import type { Subscription } from './subscription.ts'

export interface FollowingDeps {
  readonly clock: Clock
  readonly counts: Counts
  readonly feed: FeedPort
  readonly log: LogPort
  readonly directory: DirectoryPort
  readonly report: ReportPort
  readonly onRecord: (partition: number, sequence: number, record: LogRecord) => void
  readonly onMessage: (message: ViewerMessage) => void
  /** Its subscriptions must ask the owner again. */
  readonly onLost: (following: Following, rewound: boolean) => void
}

export type FollowingOptions = Pick<typeof waits, 'behindMs' | 'astrayMs' | 'staleMs'>

export class Following implements Disposable {
  readonly partition: number
  readonly follower: Follower
  readonly subscriptions = new Set<Subscription>()
  /** Its owner was not heard of for so long that viewers have been told. */
  stale = false
  readonly #options: FollowingOptions
  readonly #deps: FollowingDeps
  readonly #sinceMs: number
  readonly #feed: Disposable
  #flushed = false
  #ended = false
  /** Which fill is awaited: an older one has nothing to say after a loss. */
  #fills = 0

  constructor(partition: number, options: FollowingOptions, deps: FollowingDeps) {
    this.partition = partition
    this.#options = options
    this.#deps = deps
    this.#sinceMs = deps.clock.monotonicMs()
    this.follower = new Follower(options, {
      apply: (sequence, record) => {
        deps.onRecord(partition, sequence, record)
      },
      fill: (from) => void this.#fill(from),
      lost: (rewound) => {
        this.#fills += 1
        deps.counts.rescans += 1
        deps.report.warn({ partition, rewound }, 'the log was lost sight of: its owner is asked again')
        deps.onLost(this, rewound)
      },
    })
    this.#feed = deps.feed.follow(partition, {
      onRecord: (sequence, record) => {
        this.follower.receive(sequence, record)
      },
      onBroken: (sequence, detail) => {
        deps.report.warn({ partition, sequence, detail }, 'a record cannot be read')
        this.follower.lose()
      },
      onMessage: deps.onMessage,
    })
  }

  /** Resolves when nothing of the feed can be missed any more; rejects when NATS can't be reached. */
  async flushed(): Promise<void> {
    if (this.#flushed) return
    await this.#deps.feed.flushed()
    this.#flushed = true
  }

  /** True when it has become stale, or is no longer. */
  look(): boolean {
    const { clock, directory } = this.#deps
    const nowMs = clock.monotonicMs()
    const ownerAt = directory.sequenceOf(this.partition, nowMs)
    if (ownerAt !== undefined) this.follower.look(ownerAt, nowMs)
    const heardAtMs = Math.max(directory.ownerHeardAtMs(this.partition) ?? this.#sinceMs, this.#sinceMs)
    const unheard = nowMs - heardAtMs > this.#options.staleMs
    // Back only once all that was missed has been told.
    const stale = unheard || (this.stale && !this.follower.current)
    if (stale === this.stale) return false
    this.stale = stale
    return true
  }

  [Symbol.dispose](): void {
    this.#ended = true
    this.#feed[Symbol.dispose]()
  }

  async #fill(from: number): Promise<void> {
    const { counts, log, report } = this.#deps
    const fill = ++this.#fills
    counts.backfills += 1
    const answer = await log.read(this.partition, from).catch((error: unknown) => {
      report.warn({ partition: this.partition, from, error }, 'the log could not be read')
      return undefined
    })
    if (this.#ended || fill !== this.#fills) return
    if (answer === 'lost') this.follower.lose()
    else if (answer === undefined || answer.length === 0) this.follower.fillFailed()
    else this.follower.filled(answer)
  }
}
