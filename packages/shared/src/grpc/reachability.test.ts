// What the client of the core makes of nodes that live but cannot be reached, and of partitions nobody owns. The
// channels are the test's; time runs twenty times as fast.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Directory } from '../cluster/directory.ts'
import { partitionOf } from '../partition-of.ts'
import { createFastClock } from '../test/fast-clock.ts'
import { quiet } from '../test/quiet.ts'
import type { Command } from '../timer/command.ts'
import { resultToWire } from '../wire/command-wire.ts'
import { createCoreClient, type CoreClient } from './core-client.ts'
import type { NodeChannel } from './node-channel.ts'

const clock = createFastClock(20)
const timerId = 'tea'
const partition = partitionOf('default', timerId, 4)
const command: Command = {
  ...{ tenantId: 'default', timerId, operation: { op: 'start' }, requestId: 'r' },
  actor: { type: 'operator', id: 'local' },
}

/** How a node is at the moment. */
type Manner = 'silent' | 'refusing' | 'well' | { readonly owner: string }

describe('a node that cannot be reached', () => {
  let directory: Directory
  let client: CoreClient
  let manners: Record<string, Manner>
  let groups: string[]
  let streams: number
  beforeEach(() => {
    directory = new Directory({ deadAfterMs: 1e9 })
    manners = {}
    groups = []
    streams = 0
    client = createCoreClient(
      { partitionCount: 4, session: '0123456789abcdef' },
      { directory, clock, logger: quiet, random: Math.random, openChannel },
    )
  })
  afterEach(() => client[Symbol.asyncDispose]())

  function openChannel(address: string): NodeChannel {
    return {
      stream(events) {
        streams += 1
        const manner = manners[address]
        if (manner === 'refusing') {
          clock.soon(() => {
            events.lost('refused')
          })
        } else if (manner !== 'silent') {
          clock.soon(() => {
            events.listens()
          })
        }
        return {
          write(written) {
            for (const group of written) {
              groups.push(address)
              const to = manners[address]
              const rest = { partition, session: group.session, mayBeDone: false }
              const refusal = { code: 'wrong_state', detail: '' } as const
              const done = group.commands.map(({ n }) =>
                resultToWire(n, { ok: false, refusal, partition, sequence: 1 }),
              )
              const unanswered = group.commands.map(({ n }) => n)
              const result =
                typeof to === 'object'
                  ? { ...rest, results: [], notOwner: { to: to.owner }, unanswered }
                  : { ...rest, results: done, notOwner: undefined, unanswered: [] }
              clock.soon(() => {
                events.answered([result])
              })
            }
          },
          isFull: () => false,
          cancel: () => undefined,
        }
      },
      get: () => Promise.resolve(undefined),
      // eslint-disable-next-line require-yield, @typescript-eslint/require-await
      async *scan() {
        throw new Error('not asked')
      },
      close: () => undefined,
    }
  }
  const owns = (name: string, ...partitions: readonly number[]): void => {
    const owned = partitions.map((one) => ({ partition: one, sequence: 1, term: name }))
    const node = { name, incarnation: '1', role: 'timer-core', address: name, dataId: 'd' } as const
    directory.hear({ ...node, owned, leaving: false }, clock.monotonicMs())
  }
  /** The code, and how long it took. */
  async function execute(withinMs: number): Promise<{ readonly code: string; readonly tookMs: number }> {
    const startedAtMs = clock.monotonicMs()
    const [result] = await client.execute([command], clock.nowMs() + withinMs)
    assert.ok(result && !result.ok)
    return { code: result.refusal.code, tookMs: clock.monotonicMs() - startedAtMs }
  }

  for (const manner of ['silent', 'refusing'] as const) {
    it(`that is ${manner} is given up after a while, then tried each second`, async () => {
      owns('a', partition)
      manners['a'] = manner
      const first = await execute(20_000)
      assert.equal(first.code, 'unavailable')
      assert.ok(first.tookMs > 2900 && first.tookMs < 10_000, `${first.tookMs} ms`)
      assert.equal(client.breakers().get('a'), 'open')

      const tries = streams
      const second = await execute(20_000)
      assert.ok(second.code === 'unavailable' && second.tookMs < 900, `${second.tookMs} ms`)
      assert.equal(streams, tries)
      const read = await client.get({ tenantId: 'default', timerId }, clock.nowMs() + 20_000)
      assert.ok(!read.ok && read.refusal.code === 'unavailable')

      manners['a'] = 'well'
      const untilMs = performance.now() + 10_000
      while ((await execute(20_000)).code !== 'wrong_state') assert.ok(performance.now() < untilMs)
      assert.equal(client.breakers().get('a'), 'closed')
      assert.equal(streams, tries + 1)
    })
  }

  it('never got what was not sent: nothing was done', async () => {
    owns('a', partition)
    manners['a'] = 'silent'
    assert.equal((await execute(200)).code, 'unavailable')
  })

  it('is not waited for when nobody has owned the partition for 3 s', async () => {
    const { code, tookMs } = await execute(20_000)
    assert.equal(code, 'unavailable')
    assert.ok(tookMs < 5000, `${tookMs} ms`)
    const read = await client.get({ tenantId: 'default', timerId }, clock.nowMs() + 20_000)
    assert.ok(!read.ok && read.refusal.code === 'unavailable')
  })

  it('names the next owner, who is asked at once', async () => {
    owns('a', partition)
    owns('b')
    manners = { a: { owner: 'b' }, b: 'well' }
    assert.equal((await execute(20_000)).code, 'wrong_state')
    assert.deepEqual(groups, ['a', 'b'])
  })

  it('and another that name each other are not asked without a pause', async () => {
    owns('a', partition)
    owns('b')
    manners = { a: { owner: 'b' }, b: { owner: 'a' } }
    // The last of them may have gone out too late to be answered.
    assert.ok(['unavailable', 'outcome_unknown'].includes((await execute(2000)).code))
    assert.ok(groups.length < 100, `${groups.length} times`)
  })
})
