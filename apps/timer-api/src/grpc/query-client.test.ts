import assert from 'node:assert/strict'
import { test } from 'node:test'
import { status, type handleUnaryCall } from '@grpc/grpc-js'
import {
  TimerQueriesService,
  type StatsRequest,
  type StatsResponse,
} from '@timers/proto/timers/core/v1/queries.ts'
import { Directory } from '@timers/shared/cluster/directory.ts'
import { RefusalError } from '@timers/shared/errors.ts'
import { serveGrpc } from '@timers/shared/grpc/serve.ts'
import { createFastClock } from '@timers/shared/test/fast-clock.ts'
import { quiet } from '@timers/shared/test/quiet.ts'
import { QueryClient } from './query-client.ts'

const clock = createFastClock(20)

function clientOf(address: string): QueryClient {
  const directory = new Directory({ deadAfterMs: 1e9 })
  const node = {
    name: 'p',
    incarnation: '1',
    role: 'persistence',
    address,
    dataId: 'd',
    leaving: false,
  } as const
  directory.hear({ ...node, owned: [] }, clock.monotonicMs())
  return new QueryClient({ directory, clock, logger: quiet })
}

async function askInVain(client: QueryClient): Promise<void> {
  const isUnavailable = (error: unknown): boolean =>
    error instanceof RefusalError && error.refusal.code === 'unavailable'
  await assert.rejects(client.stats('default', clock.nowMs() + 20_000), isUnavailable)
}

test('a read model node that cannot be reached opens its breaker', async () => {
  await using client = clientOf('127.0.0.1:1')
  const untilMs = performance.now() + 10_000
  while (client.breakers().get('p') !== 'open') {
    assert.ok(performance.now() < untilMs)
    await askInVain(client)
  }
})

test('one that says itself that it cannot answer does not', async () => {
  const stats: handleUnaryCall<StatsRequest, StatsResponse> = (_call, callback) => {
    callback({ code: status.UNAVAILABLE, details: 'not that far yet' })
  }
  const name = 'timers.core.v1.TimerQueries'
  const services = [{ name, definition: TimerQueriesService, implementation: { stats } }]
  await using server = await serveGrpc(
    { host: '127.0.0.1', port: 0, services, drainMs: 50 },
    { logger: quiet },
  )
  await using client = clientOf(server.address)
  for (const untilMs = clock.monotonicMs() + 5000; clock.monotonicMs() < untilMs;) await askInVain(client)
  assert.equal(client.breakers().get('p'), 'closed')
})
