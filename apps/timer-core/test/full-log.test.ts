// A log that is full, on a real nats-server: commands are refused, what has to go on does, and it comes back by itself
// when it may be cut, also when its owner changed while it was full.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { jetstreamManager } from '@nats-io/jetstream'
import { ReaderPositions } from '@timers/shared/nats/reader-positions.ts'
import { subjects } from '@timers/shared/subjects.ts'
import type { CommandResult } from '@timers/shared/timer/results.ts'
import { eventually } from './eventually.ts'
import { TestClock } from './test-clock.ts'
import { idsOf, newSession, put, sent, tenantId, World, type Node } from './world.ts'

const maxBytes = 300_000

describe('a full log', () => {
  let world: World
  let readers: ReaderPositions
  let partition = 0
  let ids: string[] = []
  let n = 0
  const session = newSession()
  before(async () => {
    world = await World.start()
    readers = new ReaderPositions(world.cluster, world)
    await readers.remove('persistence')
    world.snapshots = { ...world.snapshots, rules: { leastBytes: 20_000, settleMs: 0, lookEveryMs: 20 } }
  })
  after(async () => {
    await world[Symbol.asyncDispose]()
  })

  const command = (node: Node, id: string, durationMs = 1e9, autostart = false): Promise<CommandResult> => {
    n += 1
    return node.result(session, sent(id, n, put(durationMs, { autostart, title: 'x'.repeat(200) })))
  }
  const codeOf = (result: CommandResult): string => (result.ok ? 'ok' : result.refusal.code)
  /** A node whose log takes no commands any more; a reader that has read nothing keeps it from being cut. */
  const fill = async (clock: TestClock): Promise<Node> => {
    partition += 1
    ids = idsOf(partition, 50)
    await readers.enlist('slow')
    await world.setMaxBytes(partition, maxBytes)
    const node = await world.node('a', partition, clock)
    await node.partition.acquire()
    const [due = '', ...others] = ids
    assert.equal(codeOf(await command(node, due, 5_000, true)), 'ok')
    await eventually(async () => {
      const codes = new Set((await Promise.all(others.map((id) => command(node, id)))).map(codeOf))
      for (const code of codes) assert.ok(code === 'ok' || code === 'log_full', code)
      // Until then it may have been taken for fuller than it is.
      assert.ok(node.partition.room.isMeasured && !node.partition.room.takes('commands'))
    })
    return node
  }
  const get = (node: Node, timerId: string) =>
    node.partition.get({ tenantId, timerId, afterVersion: undefined, waitMs: 0 })

  it('takes no commands from four fifths on; timers fire and are read; cut, it takes them again', async () => {
    const clock = new TestClock()
    await using a = await fill(clock)
    const { ratio } = a.partition.room
    assert.ok(ratio >= 0.8 && ratio < 0.95, `${ratio}`)
    const [due = '', other = ''] = ids
    clock.aheadMs = 8_000
    await eventually(async () => {
      const found = await get(a, due)
      assert.ok(found.kind === 'found' && found.timer.completedBy === 'fire', found.kind)
    })
    const before = await get(a, other)
    assert.ok(before.kind === 'found')
    assert.equal(codeOf(await command(a, other)), 'log_full')
    const again = await get(a, other)
    assert.ok(again.kind === 'found' && again.timer.version === before.timer.version)

    await readers.remove('slow')
    await eventually(async () => {
      assert.equal(codeOf(await command(a, other)), 'ok')
    })
    assert.match(a.troubles.join('\n'), /full to 80 %/)
  })

  it('that its owner leaves full to the last is taken over, fires nothing, and comes back when it is cut', async () => {
    const clock = new TestClock()
    {
      await using a = await fill(clock)
      assert.equal(a.partition.serving, true)
      const { streams } = await jetstreamManager(world.connection)
      const { state } = await streams.info(subjects.stream(partition))
      await world.setMaxBytes(partition, Math.floor(state.bytes / 0.96))
    }
    const [due = '', other = ''] = ids
    clock.aheadMs = 8_000
    await using b = await world.node('b', partition, clock)
    await b.partition.acquire()
    assert.equal(b.partition.serving, true)
    assert.ok(b.partition.room.ratio >= 0.95)
    assert.equal(codeOf(await command(b, other)), 'log_full')
    assert.equal(b.partition.state.get(tenantId, due)?.state, 'running')
    const last = await world.last(partition)
    await using c = await world.node('c', partition, clock)
    b.mine = false
    await c.partition.acquire()
    assert.ok((await world.last(partition)) > last)

    await readers.remove('slow')
    await eventually(async () => {
      assert.equal(codeOf(await command(c, other)), 'ok')
      assert.equal(c.partition.state.get(tenantId, due)?.completedBy, 'fire')
    })
    const events = await world.events(partition)
    assert.ok(events.filter(({ timer }) => timer.timerId === due && timer.completedBy === 'fire').length <= 1)
  })
})
