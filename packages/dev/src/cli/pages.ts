// `list` and `events`: page after page, item by item; with `follow` also what happens next.

import { setTimeout as delay } from 'node:timers/promises'
import { backoffMs } from '@timers/shared/backoff.ts'
import type { Pages } from './commands.ts'
import { NotReached, Refused, type Service } from './service.ts'

interface Page {
  readonly data: readonly unknown[]
  /** Of lists and histories. */
  readonly nextCursor?: string | null
  /** Of the feed. */
  readonly nextAfter?: string
  readonly more?: boolean
}

const waitMs = 20_000
const againMs = { firstMs: 250, mostMs: 5000 }

export interface PagesDeps {
  readonly service: Service
  readonly signal: AbortSignal
  readonly item: (item: unknown, serverTimeMs: number) => void
}

/** Whether there is more that was not asked for. */
export async function readPages(task: Pages, deps: PagesDeps): Promise<boolean> {
  const { service, signal } = deps
  let place: readonly [string, string][] = []
  let failures = 0
  while (!signal.aborted) {
    let response
    try {
      response = await service.ask({ path: task.path, query: [...task.query, ...place], signal })
      failures = 0
    } catch (error) {
      const passing = error instanceof NotReached || (error instanceof Refused && error.isBusy)
      // One who follows has time.
      if (!task.follow || place.length === 0 || !passing) throw error
      await delay(backoffMs(againMs, failures++, Math.random), undefined, { signal }).catch(() => undefined)
      continue
    }
    const page = (await response.json()) as Page
    const serverTimeMs = Date.parse(response.headers.get('server-time') ?? '')
    for (const item of page.data) deps.item(item, serverTimeMs)
    const { nextCursor, nextAfter, more = false } = page
    if (task.of === 'feed') {
      if (!more && !task.follow) return false
      place = [['after', nextAfter ?? ''], ...(more ? [] : [['waitMs', String(waitMs)] as [string, string]])]
    } else {
      if (typeof nextCursor !== 'string' || !task.all) return typeof nextCursor === 'string'
      place = [['cursor', nextCursor]]
    }
  }
  return false
}
