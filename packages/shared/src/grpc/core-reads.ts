// Reads of the owner's memory: one timer, or all that a viewer joins. Asked again elsewhere when an owner moves
// (one timer), or given up so that the viewer starts afresh (many).

import type { GetResponse } from '@timers/proto/timers/core/v1/core.ts'
import { backoffMs } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import { RefusalError, type Refusal } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { GetResult, ScanPage, Selection } from '../timer/results.ts'
import { getResultFromWire, scanPageFromWire, selectionToWire } from '../wire/command-wire.ts'
import type { CoreLink } from './core-link.ts'
import type { CoreLinks } from './core-links.ts'

export interface GetQuery {
  readonly tenantId: string
  readonly timerId: string
  readonly afterVersion?: number
  readonly waitMs?: number
}

interface ReadDeps {
  readonly links: CoreLinks
  readonly clock: Clock
  readonly logger: Logger
  readonly random: () => number
}

const againMs = { firstMs: 10, mostMs: 250 }

export async function getFromOwner(
  query: GetQuery,
  partition: number,
  deadlineMs: number,
  { links, clock, random }: ReadDeps,
  signal?: AbortSignal,
): Promise<GetResult> {
  const waitUntilMs = clock.nowMs() + (query.waitMs ?? 0)
  const isGivenUp = (): boolean => signal?.aborted === true
  for (let attempt = 0; ; attempt += 1) {
    const leftMs = deadlineMs - clock.nowMs()
    if (leftMs <= 0 || isGivenUp()) break
    const link = links.ownerOf(partition)
    const waitMs = Math.max(0, waitUntilMs - clock.nowMs())
    const isHopeless = link ? !link.breaker.allows(clock.monotonicMs()) : links.isAbandoned(partition)
    if (isHopeless) break
    const response = link && (await askOne(link, { ...query, waitMs }, leftMs, signal))
    if (response !== undefined) link?.breaker.succeeded()
    else if (isGivenUp()) link?.breaker.givenUp()
    else link?.breaker.failed(clock.monotonicMs())
    const result = response && getResultFromWire(response, partition)
    if (result !== undefined) return result
    await links.changed(Math.min(backoffMs(againMs, attempt, random), leftMs))
  }
  const refusal: Refusal = {
    code: 'unavailable',
    detail: 'The timer could not be reached in time.',
    retryAfterMs: 500,
  }
  return { ok: false, refusal, partition, sequence: 0 }
}

/** Undefined when the node did not answer. */
function askOne(
  link: CoreLink,
  query: GetQuery,
  leftMs: number,
  signal: AbortSignal | undefined,
): Promise<GetResponse | undefined> {
  const { tenantId, timerId, afterVersion, waitMs } = query
  const request = { tenantId, timerId, afterVersion, waitMs: waitMs ?? 0 }
  return link.channel.get(request, leftMs, endOf(link, signal))
}

export async function* scanOwners(
  query: {
    readonly tenantId: string
    readonly partitions: readonly number[]
    readonly selection: Selection
    readonly limit: number
  },
  deadlineMs: number,
  { links, clock, logger }: ReadDeps,
  signal?: AbortSignal,
): AsyncGenerator<ScanPage, void, void> {
  const byLink = new Map<CoreLink, number[]>()
  for (const partition of query.partitions) {
    const link = links.ownerOf(partition)
    if (link?.breaker.state !== 'closed') throw lostOwner(partition)
    const known = byLink.get(link)
    if (known === undefined) byLink.set(link, [partition])
    else known.push(partition)
  }
  let left = query.limit
  for (const [link, partitions] of byLink) {
    const { tenantId, selection } = query
    const request = { tenantId, partitions, selection: selectionToWire(selection), limit: left }
    try {
      for await (const page of link.channel.scan(request, deadlineMs - clock.nowMs(), endOf(link, signal))) {
        if (page.notOwner !== undefined) throw lostOwner(page.partition)
        left -= page.timers.length
        yield scanPageFromWire(page)
      }
    } catch (error) {
      if (error instanceof RefusalError && error.cause !== undefined && signal?.aborted !== true)
        logger.warn({ error: error.cause }, 'timers could not be read')
      throw error
    }
  }
}

/** When the node is gone, or nobody wants the answer any more. */
function endOf(link: CoreLink, signal: AbortSignal | undefined): AbortSignal {
  return signal === undefined ? link.signal : AbortSignal.any([signal, link.signal])
}

function lostOwner(partition: number): RefusalError {
  const detail = `Partition ${partition} has no owner at the moment.`
  return new RefusalError({ code: 'unavailable', detail, retryAfterMs: 500 })
}
