import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LogRoom } from './room.ts'
import { cutBound, isSnapshotDue, snapshotRules, type LogNow } from './rules.ts'

const megabyte = 1024 * 1024

/** A log of records of 1 MiB. */
function logOf(first: number, last: number, more: Partial<LogNow> = {}): LogNow {
  const bytes = (last - first + 1) * megabyte
  const rest = { maxBytes: 1024 * megabyte, snapshotAt: 0, snapshotBefore: 0, isSettled: true }
  return { first, last, bytes, ...rest, ...more }
}
const isDue = (log: LogNow, lastBytes = 0): boolean => isSnapshotDue(log, lastBytes, snapshotRules)

describe('a snapshot is due', () => {
  it('when the log has grown by more than 8 MiB', () => {
    assert.equal(isDue(logOf(1, 8)), false)
    assert.equal(isDue(logOf(1, 9)), true)
    assert.equal(isDue(logOf(1, 28, { snapshotAt: 20 })), false)
    assert.equal(isDue(logOf(1, 29, { snapshotAt: 20 })), true)
    assert.equal(isDue(logOf(1, 0)), false)
  })

  it('and by more than the last one was large', () => {
    const log = logOf(1, 60, { snapshotAt: 20 })
    assert.equal(isDue(log, 40 * megabyte), false)
    assert.equal(isDue(log, 39 * megabyte), true)
  })

  it('of a log that is half full: when it has grown by an eighth of its room, however large the last one was', () => {
    const room = { maxBytes: 80 * megabyte, isSettled: false }
    assert.equal(isDue(logOf(1, 39, { ...room, snapshotAt: 20 }), 99 * megabyte), false)
    assert.equal(isDue(logOf(1, 40, { ...room, snapshotAt: 20 }), 99 * megabyte), true)
    assert.equal(isDue(logOf(1, 40, { ...room, snapshotAt: 31 }), 99 * megabyte), false)
  })

  it('or when it was cut as far as may be and still is half full, once the newest is settled', () => {
    const room = { maxBytes: 40 * megabyte }
    const cut = logOf(11, 40, { ...room, snapshotAt: 38, snapshotBefore: 10 })
    assert.equal(isDue(cut, 99 * megabyte), true)
    assert.equal(isDue({ ...cut, isSettled: false }, 99 * megabyte), false)
    // A reader holds it back: another snapshot would not help.
    assert.equal(isDue({ ...cut, snapshotBefore: 20 }, 99 * megabyte), false)
    assert.equal(isDue({ ...cut, snapshotAt: 40 }, 99 * megabyte), false)
  })
})

describe('the log is cut', () => {
  it('up to the last snapshot but one, once the newest is settled', () => {
    const log = logOf(1, 40, { snapshotAt: 30, snapshotBefore: 20 })
    assert.equal(cutBound(log), 20)
    assert.equal(cutBound({ ...log, isSettled: false }), 0)
    assert.equal(cutBound(logOf(1, 40, { snapshotAt: 30 })), 0)
  })
})

describe('the room of a log', () => {
  it('is for each kind of record up to its own share', () => {
    const room = new LogRoom()
    const takes = () => [room.takes('commands'), room.takes('fires'), room.takes('beats')]
    assert.deepEqual(takes(), [true, true, true])
    room.measured({ bytes: 799, maxBytes: 1000 })
    assert.deepEqual(takes(), [true, true, true])
    room.appended(1)
    assert.deepEqual(takes(), [false, true, true])
    room.appended(150)
    assert.deepEqual(takes(), [false, false, true])
    room.appended(30)
    assert.deepEqual(takes(), [false, false, false])
    assert.equal(room.isMeasured, false)
    room.measured({ bytes: 100, maxBytes: 1000 })
    assert.deepEqual(takes(), [true, true, true])
  })

  it('is endless where the broker names no limit', () => {
    const room = new LogRoom()
    room.measured({ bytes: 1e12, maxBytes: -1 })
    assert.equal(room.takes('commands'), true)
    assert.equal(room.ratio, 0)
  })
})
