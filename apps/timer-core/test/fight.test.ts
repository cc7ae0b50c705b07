// Owners that fight for one log, on a real nats-server: links are cut, answers lost, new nodes take over from
// nodes that still believe, and callers send again to whomever. Then the log is held against what was answered.

import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'node:test'
import { randomOf, seedOf } from '@timers/dev/seed.ts'
import type { SentCommand } from '@timers/shared/timer/command.ts'
import type { Done } from '@timers/shared/timer/results.ts'
import { add, idsOf, newSession, put, sent, World, type Node } from './world.ts'

const partition = 3
const callers = 24
const fightMs = 5000

interface Told {
  readonly session: string
  readonly command: SentCommand
  readonly outcome: Done | 'nothing was done' | 'unknown'
}

class Fight {
  readonly world: World
  readonly random: () => number
  readonly nodes: Node[] = []
  readonly timerIds = idsOf(partition, 4)
  over = false
  #names = 0

  constructor(world: World, random: () => number) {
    this.world = world
    this.random = random
  }

  pick<T>(list: readonly T[]): T {
    const picked = list[Math.floor(this.random() * list.length)]
    if (picked === undefined) throw new Error('nothing to pick from')
    return picked
  }

  async join(): Promise<Node> {
    this.#names += 1
    const node = await this.world.node(`node-${this.#names}`, partition)
    this.nodes.push(node)
    return node
  }

  async leave(node: Node): Promise<void> {
    this.nodes.splice(this.nodes.indexOf(node), 1)
    await node[Symbol.asyncDispose]()
  }

  /** One blow. */
  async strike(): Promise<void> {
    const node = this.pick(this.nodes)
    const blow = this.random()
    if (blow < 0.25) node.link.cut()
    else if (blow < 0.7) {
      if (blow < 0.5) node.link.holdAnswers()
      else node.link.holdQuestions()
      await delay(this.random() * 80)
      if (this.random() < 0.8) node.link.cut()
      else node.link.release()
    } else if (blow < 0.9) {
      // It takes over, and nobody has told those who own it.
      const successor = await this.join()
      void successor.partition.acquire()
      if (this.nodes.length > 3) await this.leave(this.nodes[0] ?? successor)
    } else {
      node.mine = false
      await delay(this.random() * 50)
      node.mine = true
    }
  }

  /** Sends one command after the other, each until somebody answers it or its time is up. */
  async call(told: Told[]): Promise<void> {
    const session = newSession()
    for (let n = 1; !this.over; n += 1) {
      const command = sent(this.pick(this.timerIds), n, add(1 + Math.floor(this.random() * 1000)))
      told.push({ session, command, outcome: await this.#outcomeOf(session, command) })
    }
  }

  async #outcomeOf(session: string, command: SentCommand): Promise<Told['outcome']> {
    let mayBeDone = false
    while (Date.now() < command.notAfterMs) {
      const node = this.pick(this.nodes)
      // Nobody waits for one that stands: as a client that lost its stream.
      const outcome = await Promise.race([node.submit(session, [command], command.n), delay(100)])
      const result = outcome?.results[0]?.result
      if (result?.ok) return result
      if (result !== undefined && !mayBeDone && result.refusal.code === 'unavailable')
        return 'nothing was done'
      mayBeDone ||= outcome?.mayBeDone ?? true
      await delay(5)
    }
    return mayBeDone ? 'unknown' : 'nothing was done'
  }
}

test('whoever owns the log, each change that was answered is in it, and each once', async (t) => {
  await using world = await World.start()
  const fight = new Fight(world, randomOf(seedOf(t)))
  const told: Told[] = []
  try {
    const first = await fight.join()
    await first.partition.acquire()
    const session = newSession()
    for (const [i, timerId] of fight.timerIds.entries())
      await first.done(session, sent(timerId, i + 1, put(1)))

    const calls = Array.from({ length: callers }, () => fight.call(told))
    const untilMs = performance.now() + fightMs
    while (performance.now() < untilMs) {
      await delay(fight.random() * 150)
      await fight.strike()
    }
    fight.over = true
    for (const node of fight.nodes) node.link.release()
    await Promise.all(calls)
    const last = await fight.join()
    await last.partition.acquire()
    await check(world, last, told, t)
  } finally {
    for (const node of [...fight.nodes]) await fight.leave(node)
  }
})

async function check(
  world: World,
  last: Node,
  told: readonly Told[],
  t: { diagnostic(message: string): void },
): Promise<void> {
  const events = await world.events(partition)
  const byCommand = Map.groupBy(events, ({ session, n }) => `${session}:${n}`)
  for (const [command, done] of byCommand) assert.equal(done.length, 1, `${command} was done twice`)
  for (const { session, command, outcome } of told) {
    const event = byCommand.get(`${session}:${command.n}`)?.[0]
    if (outcome === 'unknown') continue
    if (outcome === 'nothing was done') {
      assert.equal(event, undefined, 'what was refused was done')
      continue
    }
    assert.deepEqual(event?.timer, outcome.timer, 'what was answered is not in the log')
    assert.equal(event.sequence, outcome.sequence)
  }
  for (const [timerId, changes] of Map.groupBy(events, ({ timer }) => timer.timerId)) {
    assert.deepEqual(
      changes.map(({ timer }) => timer.version),
      changes.map((_, i) => i + 1),
    )
    assert.deepEqual(last.partition.state.get('default', timerId), changes.at(-1)?.timer)
  }
  const records = await world.records(partition)
  const takeovers = records.filter(({ record }) => record.body.kind === 'takeover').length
  const count = (which: string): number => told.filter(({ outcome }) => outcome === which).length
  const done = told.filter(({ outcome }) => typeof outcome === 'object').length
  const rest = `${count('unknown')} unknown, ${count('nothing was done')} not done`
  t.diagnostic(`${done} commands done, ${rest}; ${takeovers} takeovers`)
  assert.ok(done > 10 && takeovers > 2, 'this was no fight')
}
