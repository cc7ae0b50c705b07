import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { eventOf, idle } from '../../test/timers.ts'
import { WaitingReads, type GetOutcome, type GetRequest } from './reads.ts'

function request(timerId: string, afterVersion?: number): GetRequest {
  return { tenantId: 'default', timerId, afterVersion, waitMs: 1000 }
}

describe('reads that wait', () => {
  it('are told of a newer version, and only of their timer', () => {
    const reads = new WaitingReads(10)
    const told: GetOutcome[] = []
    for (const after of [1, 2, 3]) reads.add(request('a', after), 100, (outcome) => told.push(outcome))
    reads.add(request('b', 0), 100, () => assert.fail('told of another timer'))
    const timer = idle('a', { version: 3 })
    reads.wake(eventOf('updated', timer), 9)
    assert.deepEqual(told, Array(2).fill({ kind: 'found', timer, sequence: 9 }))
    assert.equal(reads.size, 2)
  })

  it('end with not_found when the timer is deleted', () => {
    const reads = new WaitingReads(10)
    const told: GetOutcome[] = []
    reads.add(request('a', 9), 100, (outcome) => told.push(outcome))
    reads.wake(eventOf('deleted', idle('a', { version: 4 })), 5)
    assert.equal(told[0]?.kind === 'refused' && told[0].refusal.code, 'not_found')
    assert.equal(reads.size, 0)
  })

  it('are bounded, and the room comes back', () => {
    const reads = new WaitingReads(1)
    assert.equal(
      reads.add(request('a', 1), 100, () => undefined),
      true,
    )
    assert.equal(
      reads.add(request('b', 1), 100, () => undefined),
      false,
    )
    reads.wake(eventOf('updated', idle('a', { version: 2 })), 1)
    assert.equal(
      reads.add(request('b', 1), 100, () => undefined),
      true,
    )
  })

  it('end when somebody says so, each once', () => {
    const reads = new WaitingReads(10)
    const told: string[] = []
    for (const untilMs of [10, 20, 30]) {
      reads.add(request('a', untilMs), untilMs, ({ kind }) => told.push(`${untilMs} ${kind}`))
    }
    const over: GetOutcome = { kind: 'notOwner', owner: 'b' }
    reads.end((_, untilMs) => (untilMs <= 20 ? over : undefined))
    reads.end((_, untilMs) => (untilMs <= 20 ? over : undefined))
    assert.deepEqual(told, ['10 notOwner', '20 notOwner'])
    assert.equal(reads.size, 1)
  })
})
