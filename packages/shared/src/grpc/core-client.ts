// Commands to whoever owns their partition: grouped by partition, re-sent with the same (session, n) when an
// owner moves or a stream is lost, until the caller's deadline. It never says "nothing was done" of a command
// that may have reached a log. Knows no gRPC: channels are handed in.

import { backoffMs } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import type { BreakerState } from '../cluster/breaker.ts'
import type { Directory } from '../cluster/directory.ts'
import type { Refusal } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { partitionOf } from '../partition-of.ts'
import type { Command, SentCommand } from '../timer/command.ts'
import type { CommandResult, GetResult, ScanPage, Selection } from '../timer/results.ts'
import { commandToWire, resultFromWire } from '../wire/command-wire.ts'
import type { CoreLink, GroupEnd } from './core-link.ts'
import { CoreLinks } from './core-links.ts'
import { getFromOwner, scanOwners, type GetQuery } from './core-reads.ts'
import type { NodeChannel } from './node-channel.ts'

export interface CoreClientDeps {
  readonly directory: Directory
  readonly clock: Clock
  readonly logger: Logger
  readonly random: () => number
  readonly openChannel: (address: string) => NodeChannel
}

export interface CoreClientOptions {
  readonly partitionCount: number
  /** 64 random bits as 16 hexadecimal digits, never used before. */
  readonly session: string
}

export interface CoreClient extends AsyncDisposable {
  /**
   * The results, in the order of the commands; those of one timer are carried out in that order.
   * `deadlineMs`: cluster time, at most 30 s ahead. Refusals are values: `unavailable` = nothing was done,
   * `outcome_unknown` = it may have been done. Never rejects.
   */
  execute(commands: readonly Command[], deadlineMs: number): Promise<CommandResult[]>
  /**
   * With `afterVersion` it waits up to `waitMs` for a newer version, then tells the timer as it is. `signal`: nobody
   * wants to know any more.
   */
  get(query: GetQuery, deadlineMs: number, signal?: AbortSignal): Promise<GetResult>
  /**
   * Every selected timer of the tenant in these partitions, page by page. Throws a RefusalError: `unavailable`
   * when an owner is missing or lost on the way, `quota_exceeded` beyond `limit` timers.
   */
  scan(query: ScanQuery, deadlineMs: number, signal?: AbortSignal): AsyncIterable<ScanPage>
  /** Commands that wait for their results. */
  readonly inFlight: number
  /** Whether the nodes that were needed can be reached, by name. */
  breakers(): ReadonlyMap<string, BreakerState>
}

export interface ScanQuery {
  readonly tenantId: string
  readonly partitions: readonly number[]
  readonly selection: Selection
  readonly limit: number
}

/** Commands on their way at once; beyond it callers are refused. */
const inFlightMost = 50_000
const againMs = { firstMs: 10, mostMs: 250 }

export function createCoreClient(options: CoreClientOptions, deps: CoreClientDeps): CoreClient {
  return new Client(options, deps)
}

interface Group {
  readonly partition: number
  /** In order; `at` is the command's place in the caller's list. */
  open: { readonly command: SentCommand; readonly at: number }[]
  /** It was in the hands of a node that did not say "not done". */
  mayBeDone: boolean
  /** Who owns it now, by the word of the one that does not; '' = not known. */
  to: string
}

class Client implements CoreClient {
  readonly #partitionCount: number
  readonly #deps: CoreClientDeps
  readonly #links: CoreLinks
  readonly #session: string
  readonly #next: number[]
  /** By partition the n that are not answered, oldest first. */
  readonly #open: Set<number>[]
  #inFlight = 0

  constructor({ partitionCount, session }: CoreClientOptions, deps: CoreClientDeps) {
    this.#partitionCount = partitionCount
    this.#session = session
    this.#deps = deps
    this.#links = new CoreLinks(deps)
    this.#next = Array.from({ length: partitionCount }, () => 1)
    this.#open = Array.from({ length: partitionCount }, () => new Set())
  }

  get inFlight(): number {
    return this.#inFlight
  }

  async execute(commands: readonly Command[], deadlineMs: number): Promise<CommandResult[]> {
    const results = new Array<CommandResult>(commands.length)
    if (this.#inFlight + commands.length > inFlightMost) {
      const refusal = unavailable('Too many commands are under way.')
      return commands.map((command) => ({
        ok: false,
        refusal,
        partition: this.#partitionOf(command),
        sequence: 0,
      }))
    }
    this.#inFlight += commands.length
    const groups = this.#group(commands, deadlineMs)
    await Promise.all(groups.map((group) => this.#carryOut(group, deadlineMs, results)))
    this.#inFlight -= commands.length
    return results
  }

  get(query: GetQuery, deadlineMs: number, signal?: AbortSignal): Promise<GetResult> {
    const deps = { ...this.#deps, links: this.#links }
    return getFromOwner(query, this.#partitionOf(query), deadlineMs, deps, signal)
  }

  scan(query: ScanQuery, deadlineMs: number, signal?: AbortSignal): AsyncIterable<ScanPage> {
    return scanOwners(query, deadlineMs, { ...this.#deps, links: this.#links }, signal)
  }

  breakers(): ReadonlyMap<string, BreakerState> {
    return this.#links.breakers()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#links.close()
    return Promise.resolve()
  }

  #partitionOf({ tenantId, timerId }: { tenantId: string; timerId: string }): number {
    return partitionOf(tenantId, timerId, this.#partitionCount)
  }

  #group(commands: readonly Command[], deadlineMs: number): Group[] {
    const groups = new Map<number, Group>()
    for (const [at, command] of commands.entries()) {
      const partition = this.#partitionOf(command)
      const n = this.#next[partition] ?? 1
      this.#next[partition] = n + 1
      this.#open[partition]?.add(n)
      const group = groups.get(partition) ?? { partition, open: [], mayBeDone: false, to: '' }
      group.open.push({ command: { ...command, n, notAfterMs: deadlineMs }, at })
      groups.set(partition, group)
    }
    return [...groups.values()]
  }

  /** Until each has a result or the deadline is there. */
  async #carryOut(group: Group, deadlineMs: number, results: CommandResult[]): Promise<void> {
    const { clock, random } = this.#deps
    for (let attempt = 0; group.open.length > 0; attempt += 1) {
      const hinted = group.to === '' ? undefined : this.#links.named(group.to)
      const link = hinted ?? this.#links.ownerOf(group.partition)
      group.to = ''
      if (link?.breaker.allows(clock.monotonicMs()) === true) {
        this.#take(group, await this.#send(group, link, deadlineMs), results)
        if (group.open.length === 0) return
        // Once: two that name each other are to be waited for.
        if (hinted === undefined && group.to !== '') continue
      } else if (!group.mayBeDone && (link !== undefined || this.#links.isAbandoned(group.partition))) break
      const leftMs = deadlineMs - clock.nowMs()
      if (leftMs <= 0) break
      await this.#links.changed(Math.min(backoffMs(againMs, attempt, random), leftMs))
    }
    for (const { command, at } of group.open) {
      const refusal = group.mayBeDone
        ? outcomeUnknown
        : unavailable('The timer could not be reached in time.')
      this.#end(group, command, at, { ok: false, refusal, partition: group.partition, sequence: 0 }, results)
    }
  }

  #send(group: Group, link: CoreLink, deadlineMs: number): Promise<GroupEnd> {
    const { clock } = this.#deps
    const { partition } = group
    const [oldest] = this.#open[partition] ?? []
    return new Promise((resolve) => {
      const forget = link.send(
        {
          partition,
          session: this.#session,
          answeredBelow: oldest ?? 0,
          commands: group.open.map(({ command }) => commandToWire(command)),
        },
        (end) => {
          cancel()
          resolve(end)
        },
      )
      const cancel = clock.after(Math.max(0, deadlineMs - clock.nowMs()), () => {
        const sent = forget()
        link.breaker.failed(clock.monotonicMs())
        resolve({ kind: 'lost', sent })
      })
    })
  }

  /** What of the group has a result now. */
  #take(group: Group, end: GroupEnd, results: CommandResult[]): void {
    if (end.kind === 'lost') {
      group.mayBeDone ||= end.sent
      return
    }
    const answers = new Map(end.result.results.map((one) => [one.n, one]))
    const open: Group['open'] = []
    for (const { command, at } of group.open) {
      const answer = answers.get(command.n)
      const result = answer && resultFromWire(answer, group.partition)
      // "Nothing was done" by this owner says nothing about an earlier one that may have done it.
      if (result === undefined || (group.mayBeDone && wasNotTried(result))) open.push({ command, at })
      else this.#end(group, command, at, result, results)
    }
    group.open = open
    group.mayBeDone ||= end.result.mayBeDone
    group.to = end.result.notOwner?.to ?? ''
  }

  #end(group: Group, { n }: SentCommand, at: number, result: CommandResult, results: CommandResult[]): void {
    this.#open[group.partition]?.delete(n)
    results[at] = result
  }
}

function wasNotTried(result: CommandResult): boolean {
  return !result.ok && (result.refusal.code === 'unavailable' || result.refusal.code === 'log_full')
}

function unavailable(detail: string): Refusal {
  return { code: 'unavailable', detail, retryAfterMs: 500 }
}

const outcomeUnknown: Refusal = {
  code: 'outcome_unknown',
  detail: 'No answer came in time; the change may or may not have been made.',
}
