import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { takeoverRecord } from '../../test/events.ts'
import { catchUp, change, LogModel } from '../../test/log-model.ts'

describe('PartitionReader', () => {
  let model: LogModel
  beforeEach(() => {
    model = new LogModel()
    model.records = [takeoverRecord('t1', 'a', 4), change('t1', 1), change('t1', 2)]
  })

  it('builds a new partition, reads it to its end, and on', async () => {
    const reader = model.create()
    await catchUp(reader)
    assert.deepEqual(model.versions(), [1, 2])
    assert.deepEqual(
      model.rebuilds.map(({ first, clearFrom, gap, replaces }) => [first, clearFrom, gap, replaces]),
      [[1, 1, undefined, undefined]],
    )
    assert.equal(reader.position?.sequence, 3)
    assert.equal(reader.position.endSeenAtMs, model.clock.nowMs())
    model.records.push(change('t1', 3))
    await catchUp(reader)
    assert.deepEqual(model.versions(), [1, 2, 3])
  })

  it('trusts nothing it remembers after a failure', async () => {
    const reader = model.create()
    await catchUp(reader)
    model.records.push(change('t1', 3), change('t1', 4))
    // It was written, and the answer was lost.
    model.afterApply = () => {
      model.afterApply = () => undefined
      throw new Error('connection lost')
    }
    await assert.rejects(reader.step(true), /connection lost/)
    await catchUp(reader)
    assert.deepEqual(model.versions(), [1, 2, 3, 4])
  })

  it('asks only for the last record when it expects no news, and reads on if there is some', async () => {
    const reader = model.create()
    await catchUp(reader)
    const pulls = model.pulls.length
    await model.clock.advance(5000)
    assert.equal(await reader.step(false), 'end')
    assert.equal(model.pulls.length, pulls)
    assert.equal(reader.position?.endSeenAtMs, model.clock.nowMs())
    model.records.push(change('t1', 3))
    assert.equal(await reader.step(false), 'more')
    assert.deepEqual(model.versions(), [1, 2, 3])
  })

  for (const [name, spoil] of [
    ['is shorter', () => model.records.pop()],
    ['has another last record', () => (model.epochMs = 5000)],
  ] as const) {
    it(`starts over when it looks and the log ${name}`, async () => {
      const reader = model.create()
      await catchUp(reader)
      spoil()
      assert.equal(await reader.step(false), 'again')
      await catchUp(reader)
      assert.equal(model.rebuilds.length, 2)
      assert.equal(model.rebuilds[1]?.replaces, 'b1')
    })
  }

  it('does not believe a broker that is behind at once', async () => {
    const reader = model.create({ doubtMs: 5000 })
    await catchUp(reader)
    const newest = model.records.pop()
    assert.equal(await reader.step(false), 'again')
    await assert.rejects(reader.step(false), /log shorter than read, it seems/)
    await model.clock.advance(4999)
    await assert.rejects(reader.step(false), /looking again/)
    model.records.push(newest)
    await catchUp(reader)
    assert.equal(model.rebuilds.length, 1)

    model.records.pop()
    assert.equal(await reader.step(false), 'again')
    await assert.rejects(reader.step(false), /looking again/)
    await model.clock.advance(5000)
    await catchUp(reader)
    assert.equal(model.rebuilds.length, 2)
  })

  it('waits for a record that ought to be there', async () => {
    const reader = model.create()
    await catchUp(reader)
    model.missing = 3
    model.records.push(change('t0', 9))
    assert.equal(await reader.step(true), 'again')
    await assert.rejects(reader.step(true), /record 3 of partition 0 is not to be had/)
    model.missing = 0
    await catchUp(reader)
    assert.equal(model.rebuilds.length, 1)
  })

  it('starts over when the log lost its tail and grew beyond where it was', async () => {
    const reader = model.create()
    await catchUp(reader)
    model.epochMs = 5000
    model.records = [
      ...model.records.slice(0, 2),
      takeoverRecord('t2', 'a', 4),
      change('t2', 2),
      change('t2', 3),
    ]
    assert.equal(await reader.step(true), 'again')
    assert.deepEqual(model.versions(), [1, 2])
    await catchUp(reader)
    assert.equal(model.rebuilds.length, 2)
    assert.deepEqual(model.versions(), [1, 2, 1, 2, 3])
  })

  it('skips a stale record of a log that is what it was', async () => {
    const reader = model.create()
    await catchUp(reader)
    model.records.push(change('t0', 9), change('t1', 3))
    await catchUp(reader)
    assert.deepEqual(model.versions(), [1, 2, 3])
    assert.equal(model.rebuilds.length, 1)
  })

  it('starts a log that was cut under the term of what is left, and tells the gap', async () => {
    model.first = 3
    await catchUp(model.create())
    assert.deepEqual(model.rebuilds[0]?.gap, { from: 1, to: 2 })
    assert.deepEqual(model.versions(), [2])
  })

  it('starts over when the log is cut ahead of it', async () => {
    const reader = model.create()
    await catchUp(reader)
    model.records.push(change('t1', 3), change('t1', 4))
    model.first = 5
    await assert.rejects(reader.step(true), /a hole/)
    await catchUp(reader)
    assert.deepEqual(model.rebuilds[1]?.gap, { from: 4, to: 4 })
    assert.equal(model.rebuilds[1].clearFrom, 5)
    assert.deepEqual(model.versions(), [1, 2, 4])
  })

  it('keeps nothing of other data', async () => {
    model.first = 3
    model.stored = {
      partition: 0,
      dataId: 'z',
      build: 'old',
      sequence: 2,
      term: 't1',
      storedAtMs: 1002,
      endSeenAtMs: 1,
    }
    await catchUp(model.create())
    assert.deepEqual(
      model.rebuilds.map(({ clearFrom, replaces }) => [clearFrom, replaces]),
      [[0, 'old']],
    )
  })

  it('looks again when somebody else is further', async () => {
    const reader = model.create()
    await catchUp(reader)
    model.records.push(change('t1', 3), change('t1', 4))
    if (model.stored !== undefined) model.stored = { ...model.stored, sequence: 5, storedAtMs: 1005 }
    assert.equal(await reader.step(true), 'again')
    await catchUp(reader)
    assert.equal(reader.position?.sequence, 5)
    assert.deepEqual(model.versions(), [1, 2])
  })

  it('pulls no more records than it may, and fewer the bigger they are', async () => {
    for (let version = 3; version <= 600; version += 1) model.records.push(change('t1', version))
    const reader = model.create()
    await catchUp(reader)
    assert.equal(Math.max(...model.pulls), 50)
    model.bytes = 200
    model.stored = undefined
    model.pulls = []
    await catchUp(model.create())
    assert.deepEqual(model.pulls.slice(0, 2), [16, 4])
    assert.deepEqual(model.versions().slice(-3), [598, 599, 600])
  })

  it('writes a pull of many events in several goes', async () => {
    for (let version = 3; version <= 10; version += 1) model.records.push(change('t1', version))
    await catchUp(model.create({ batchEvents: 3 }))
    assert.deepEqual(
      model.batches.map(({ events, place }) => [events.length, place.sequence]),
      [
        [3, 4],
        [3, 7],
        [3, 10],
        [1, 11],
      ],
    )
  })
})
