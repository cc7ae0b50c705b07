import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { LogRecord } from '@timers/shared/log/record.ts'
import { takeoverRecord } from '../../test/events.ts'
import { VirtualClock } from '../../test/virtual-clock.ts'
import type { LogMessage } from './fold.ts'
import { Projection } from './projection.ts'
import type { StoredPosition, TimerRepository } from './repository.ts'

/** Logs as bare sequences, a repository as bare positions; both can be held up or made to fail. */
class Model {
  readonly clock = new VirtualClock()
  readonly ends = new Map<number, number>()
  readonly stored = new Map<number, StoredPosition>()
  readonly failures: [partition: number, retryInMs: number][] = []
  readonly seen: number[] = []
  steps = 0
  most = 0
  fails = false
  away = false
  held: PromiseWithResolvers<void> | undefined
  readonly #record: LogRecord = takeoverRecord('t', 'a', 99)

  create(concurrency = 8): Projection {
    const source = {
      read: (partition: number, from: number, most: number) =>
        this.#io(() => {
          const messages: LogMessage[] = []
          for (let s = from; s <= this.#end(partition) && messages.length < most; s += 1)
            messages.push(message(s))
          return messages
        }),
      last: (partition: number) =>
        this.#io(() => (this.#end(partition) === 0 ? undefined : message(this.#end(partition)))),
      ends: (partition: number) => this.#io(() => ({ first: 1, last: this.#end(partition) })),
    }
    const repository = {
      health: () => ({ ready: !this.away, reasons: [] }),
      position: (partition: number) => this.#io(() => this.stored.get(partition)),
      apply: ({ partition, place }: { partition: number; place: { sequence: number } }) =>
        this.#io(() => {
          this.stored.set(partition, at(partition, place.sequence))
          return true
        }),
      sawEnds: (ends: readonly { partition: number }[]) =>
        this.#io(() => {
          this.seen.push(...ends.map(({ partition }) => partition))
        }),
    }
    return new Projection(
      {
        partitionCount: 99,
        dataId: 'a',
        concurrency,
        lookEveryMs: 1000,
        backoff: { firstMs: 100, mostMs: 2000 },
        pullBytes: 1000,
        pullRecords: 10,
        batchEvents: 100,
        doubtMs: 0,
      },
      {
        source,
        repository: repository as unknown as TimerRepository,
        clock: this.clock,
        decode: () => this.#record,
        random: () => 1,
        observer: {
          applied: () => undefined,
          poisoned: () => undefined,
          rebuilding: () => undefined,
          failed: (partition, _, retryInMs) => this.failures.push([partition, retryInMs]),
        },
      },
    )
  }

  begin(count: number, end = 0): ReadonlySet<number> {
    const partitions = Array.from({ length: count }, (_, partition) => partition)
    for (const partition of partitions) {
      this.stored.set(partition, at(partition, 0))
      this.ends.set(partition, end)
    }
    return new Set(partitions)
  }

  #end(partition: number): number {
    return this.ends.get(partition) ?? 0
  }

  async #io<T>(answer: () => T): Promise<T> {
    this.steps += 1
    this.most = Math.max(this.most, this.steps)
    try {
      await (this.held?.promise ?? turn())
      if (this.fails) throw new Error('away')
      return answer()
    } finally {
      this.steps -= 1
    }
  }
}

function message(sequence: number): LogMessage {
  return { sequence, storedAtMs: 1000 + sequence, data: new Uint8Array(1) }
}

function at(partition: number, sequence: number): StoredPosition {
  const storedAtMs = sequence === 0 ? undefined : 1000 + sequence
  return { partition, dataId: 'a', build: 'b', sequence, term: 't', storedAtMs, endSeenAtMs: 0 }
}

describe('Projection', () => {
  let model: Model
  beforeEach(() => {
    model = new Model()
  })
  const sequences = (): (number | undefined)[] => [...model.stored.values()].map(({ sequence }) => sequence)
  /** Long enough for all that needs no time. */
  const settle = async (): Promise<void> => {
    for (let turns = 0; turns < 300; turns += 1) await turn()
  }

  it('reads every partition to its end, no more than so many at a time', async () => {
    await using projection = model.create(3)
    projection.assign(model.begin(20, 25))
    await settle()
    assert.deepEqual(
      sequences(),
      Array.from({ length: 20 }, () => 25),
    )
    assert.equal(model.most, 3)
    assert.equal(projection.lagMs(), 0)
  })

  it('reads on when woken for news, and not for what it has', async () => {
    await using projection = model.create()
    projection.assign(model.begin(1, 5))
    await settle()
    model.ends.set(0, 6)
    projection.wake(0, 5)
    projection.wake(7)
    await settle()
    assert.deepEqual(sequences(), [5])
    projection.wake(0, 6)
    await settle()
    assert.deepEqual(sequences(), [6])
  })

  it('looks by itself after a while, woken or not', async () => {
    await using projection = model.create()
    projection.assign(model.begin(1, 5))
    await settle()
    model.ends.set(0, 6)
    await model.clock.advance(999)
    await settle()
    assert.deepEqual(sequences(), [5])
    await model.clock.advance(1)
    await settle()
    assert.deepEqual(sequences(), [6])
  })

  it('backs off after failures, further each time, whatever wakes it, and catches up', async () => {
    await using projection = model.create()
    model.fails = true
    projection.assign(model.begin(1, 5))
    await settle()
    assert.deepEqual(model.failures, [[0, 100]])
    projection.wake(0)
    await settle()
    assert.equal(model.failures.length, 1)
    for (const waitMs of [100, 200, 400, 800, 1600, 2000]) {
      await model.clock.advance(waitMs)
      await settle()
    }
    assert.deepEqual(
      model.failures.map(([, retryInMs]) => retryInMs),
      [100, 200, 400, 800, 1600, 2000, 2000],
    )
    model.fails = false
    await model.clock.advance(2000)
    await settle()
    assert.deepEqual(sequences(), [5])
    model.fails = true
    projection.wake(0)
    await settle()
    assert.deepEqual(model.failures.at(-1), [0, 100])
  })

  it('tries nothing while the repository is away, and goes on when it is back', async () => {
    await using projection = model.create()
    projection.assign(model.begin(2, 5))
    await settle()
    model.away = true
    model.ends.set(0, 6).set(1, 6)
    projection.wake(0)
    projection.wake(1)
    await model.clock.advance(5000)
    await settle()
    assert.deepEqual([sequences(), model.failures], [[5, 5], []])
    assert.ok(projection.lagMs() >= 5000)
    model.away = false
    await model.clock.advance(100)
    await settle()
    assert.deepEqual(sequences(), [6, 6])
  })

  it('lags while it cannot read on', async () => {
    await using projection = model.create()
    projection.assign(model.begin(2, 5))
    await settle()
    model.fails = true
    projection.wake(1)
    await model.clock.advance(1500)
    await settle()
    assert.ok(projection.lagMs() >= 1500, `${projection.lagMs()} ms`)
  })

  it('drops what it is no longer assigned, and waits for the step under way when it ends', async () => {
    const projection = model.create()
    projection.assign(model.begin(2, 5))
    await settle()
    projection.assign(new Set([1]))
    model.ends.set(0, 6).set(1, 6)
    projection.wake(0)
    projection.wake(1)
    await settle()
    await model.clock.advance(2000)
    await settle()
    assert.deepEqual(sequences(), [5, 6])

    model.held = Promise.withResolvers()
    projection.wake(1)
    let ended = false
    const end = projection[Symbol.asyncDispose]().then(() => {
      ended = true
    })
    await settle()
    assert.equal(ended, false)
    model.held.resolve()
    await end
    projection.assign(new Set([0]))
    await settle()
    assert.equal(model.steps, 0)
  })

  it('tells ends that were not told at once, the others when all are to be told', async () => {
    await using projection = model.create()
    projection.assign(model.begin(2, 5))
    await settle()
    await projection.tellEnds(false)
    assert.deepEqual(model.seen, [0, 1])
    await model.clock.advance(1000)
    await settle()
    await projection.tellEnds(false)
    assert.deepEqual(model.seen, [0, 1])
    await projection.tellEnds(true)
    assert.deepEqual(model.seen, [0, 1, 0, 1])
    await projection.tellEnds(true)
    assert.equal(model.seen.length, 4)
  })
})
