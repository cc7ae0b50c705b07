import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SentCommand } from '@timers/shared/timer/command.ts'
import type { CommandResult } from '@timers/shared/timer/results.ts'
import { idle } from '../../test/timers.ts'
import { Mailbox, OpenGroup, Pending, type GroupOutcome } from './mailbox.ts'

const result: CommandResult = { ok: true, type: null, timer: idle('a'), partition: 0, sequence: 1 }

function group(commands: number): { open: OpenGroup; told: GroupOutcome[] } {
  const told: GroupOutcome[] = []
  return { open: new OpenGroup(commands, (outcome) => told.push(outcome)), told }
}

function pending(n: number, open = group(1).open, session = 's'): Pending {
  const actor = { type: 'operator', id: 'local' } as const
  const operation = { op: 'start' } as const
  const command = { tenantId: 'default', timerId: 'a', operation, actor, requestId: '', n, notAfterMs: 0 }
  return new Pending(session, command satisfies SentCommand, open)
}

/** The n of all that wait, in order; empties it. */
function drain(mailbox: Mailbox): number[] {
  const all: number[] = []
  for (let next = mailbox.shift(); next !== undefined; next = mailbox.shift()) {
    all.push(next.command.n)
    mailbox.forget(next)
  }
  return all
}

describe('the mailbox', () => {
  it('gives commands back in the order they came', () => {
    const mailbox = new Mailbox(20_000)
    const ns = Array.from({ length: 10_000 }, (_, n) => n)
    for (const n of ns) mailbox.push(pending(n))
    assert.equal(mailbox.waiting, ns.length)
    // Past the point where it makes room at its head, with more coming meanwhile.
    const first = Array.from({ length: 6000 }, () => mailbox.shift()?.command.n)
    mailbox.push(pending(10_000))
    assert.equal(mailbox.waiting, 4001)
    assert.deepEqual([...first, ...drain(mailbox)], [...ns, 10_000])
    assert.equal(mailbox.waiting, 0)
    assert.equal(mailbox.shift(), undefined)
  })

  it('takes no more than its capacity, staged ones counted, until they have their answer', () => {
    const mailbox = new Mailbox(2)
    assert.deepEqual(
      [1, 2, 3].map((n) => mailbox.push(pending(n))),
      [true, true, false],
    )
    const staged = mailbox.shift()
    assert.ok(staged)
    assert.equal(mailbox.push(pending(4)), false)
    mailbox.forget(staged)
    mailbox.forget(staged)
    assert.equal(mailbox.push(pending(4)), true)
    assert.equal(mailbox.push(pending(5)), false)
  })

  it('finds one that waits or is staged, by session and n', () => {
    const mailbox = new Mailbox(10)
    const one = pending(1)
    mailbox.push(one)
    mailbox.push(pending(1, undefined, 'other'))
    assert.equal(mailbox.find('s', 1), one)
    assert.equal(mailbox.find('s', 2), undefined)
    mailbox.shift()
    assert.equal(mailbox.find('s', 1), one)
    mailbox.forget(one)
    assert.equal(mailbox.find('s', 1), undefined)
    assert.notEqual(mailbox.find('other', 1), undefined)
  })

  it('puts back to the front, and takes out of the middle', () => {
    const mailbox = new Mailbox(10)
    for (const n of [1, 2, 3, 4, 5]) mailbox.push(pending(n))
    const staged = [mailbox.shift(), mailbox.shift()].filter((one) => one !== undefined)
    mailbox.unshift(staged)
    const out = mailbox.removeWhere(({ command }) => command.n % 2 === 0)
    assert.deepEqual(
      out.map(({ command }) => command.n),
      [2, 4],
    )
    assert.equal(mailbox.find('s', 2), undefined)
    assert.equal(mailbox.waiting, 3)
    assert.deepEqual(drain(mailbox), [1, 3, 5])
  })

  it('tells a group once, when each of its commands has its end', () => {
    const { open, told } = group(3)
    const [one, two, three] = [pending(1, open), pending(2, open), pending(3, open)]
    one.answer(result)
    two.giveUp('b')
    assert.deepEqual(told, [])
    three.giveUp(undefined)
    assert.deepEqual(told, [
      { results: [{ n: 1, result }], unanswered: [2, 3], owner: 'b', mayBeDone: false },
    ])
  })

  it('says that one may be done if it was staged, and answers all who wait for it', () => {
    const { open, told } = group(1)
    const again = group(2)
    const one = pending(1, open)
    one.join(again.open)
    one.staged = true
    one.giveUp('b')
    assert.equal(told[0]?.mayBeDone, true)
    assert.deepEqual(again.told, [])
    again.open.answer(2, result)
    assert.deepEqual(again.told, [
      { results: [{ n: 2, result }], unanswered: [1], owner: 'b', mayBeDone: true },
    ])
  })
})
