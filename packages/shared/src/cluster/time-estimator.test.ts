import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { TimeEstimator, timeLimits, type Reading } from './time-estimator.ts'

const bootMs = 1_700_000_000_000

/** A machine whose wall clock is off, and a broker whose clock is right, on delays that a test chooses. */
class Scene {
  /** True time since the beginning; the machine's monotonic clock began at 5,000. */
  trueMs = 0
  wallOffMs: number
  brokerOffMs = 0
  readonly estimator: TimeEstimator

  constructor(wallOffMs = 0) {
    this.wallOffMs = wallOffMs
    this.estimator = new TimeEstimator(this.read())
  }
  read(): Reading {
    return { monotonicMs: 5000 + this.trueMs, wallMs: bootMs + this.trueMs + this.wallOffMs }
  }
  get brokerMs(): number {
    return bootMs + this.trueMs + this.brokerOffMs
  }
  sample(thereMs: number, backMs: number, readLaterMs = 0): number | undefined {
    const sentAtMs = this.read().monotonicMs
    this.trueMs += thereMs
    const { brokerMs } = this
    this.trueMs += backMs
    const receivedAtMs = this.read().monotonicMs
    this.trueMs += readLaterMs
    return this.estimator.take({ sentAtMs, receivedAtMs, brokerMs }, this.read())
  }
  /** How far the estimate is from the broker's clock. */
  get offMs(): number {
    return this.estimator.nowMs(this.read()) - this.brokerMs
  }
  get errorMs(): number {
    return this.estimator.errorMs(this.read())
  }
}

const delay = fc.oneof(
  fc.double({ min: 0, max: 5, noNaN: true }),
  fc.double({ min: 0, max: 900, noNaN: true }),
)
const rounds = fc.array(
  fc.record({
    thereMs: delay,
    backMs: delay,
    laterMs: delay,
    waits: fc.array(fc.double({ min: 0, max: 3000, noNaN: true }), { maxLength: 4 }),
  }),
  { minLength: 1, maxLength: 30 },
)

describe('cluster time', () => {
  it('is never further from the broker’s than its error says, and never goes back', () => {
    fc.assert(
      fc.property(rounds, fc.integer({ min: -1e7, max: 1e7 }), (list, wallOffMs) => {
        const scene = new Scene(wallOffMs)
        assert.equal(scene.errorMs, Infinity)
        let lastMs = -Infinity
        let set = 0
        for (const { thereMs, backMs, laterMs, waits } of list) {
          const byMs = scene.sample(thereMs, backMs, laterMs)
          assert.ok(byMs !== undefined)
          if (byMs !== 0) {
            set += 1
            lastMs = -Infinity
          }
          for (const waitMs of [0, ...waits]) {
            scene.trueMs += waitMs
            const nowMs = scene.estimator.nowMs(scene.read())
            assert.ok(nowMs >= lastMs, `back by ${lastMs - nowMs} ms`)
            lastMs = nowMs
            assert.ok(Math.abs(scene.offMs) <= scene.errorMs + 1e-3, `${scene.offMs} of ${scene.errorMs}`)
          }
        }
        // Delays below a second each way are no reason to set it a second time.
        assert.ok(set <= 1)
      }),
    )
  })

  it('takes the least round trip of the last eight', () => {
    const scene = new Scene()
    scene.sample(400, 0)
    assert.equal(scene.errorMs, 200)
    scene.sample(0, 2)
    // The error has what is still to be made good, too.
    scene.trueMs += 60_000
    assert.equal(scene.errorMs, 1)
    for (let i = 0; i < timeLimits.samples - 1; i += 1) scene.sample(20, 20)
    scene.trueMs += 60_000
    assert.equal(scene.errorMs, 1)
    scene.sample(20, 20)
    scene.trueMs += 60_000
    assert.equal(scene.errorMs, 20)
  })

  it('makes good up to a second by going 1 % faster or slower', () => {
    for (const byMs of [900, -900]) {
      const scene = new Scene()
      scene.sample(0, 0)
      scene.brokerOffMs = byMs
      assert.equal(scene.sample(0, 0), 0)
      assert.equal(scene.offMs, -byMs)
      assert.equal(scene.errorMs, 900)
      scene.trueMs += 10_000
      assert.ok(Math.abs(scene.offMs + byMs * (8 / 9)) < 1e-3, `${scene.offMs}`)
      scene.trueMs += 80_000
      assert.ok(Math.abs(scene.offMs) < 1e-3)
      scene.trueMs += 80_000
      assert.ok(Math.abs(scene.offMs) < 1e-3)
    }
  })

  it('is set at once when it is off by more, and says by how much', () => {
    for (const byMs of [1001, -300_000]) {
      const scene = new Scene()
      scene.sample(0, 0)
      scene.brokerOffMs = byMs
      assert.equal(scene.sample(1, 1), byMs)
      assert.equal(scene.offMs, 0)
    }
  })

  it('forgets what contradicts the newest sample', () => {
    const scene = new Scene()
    scene.sample(0, 1)
    scene.brokerOffMs = 50 // Another broker leads.
    scene.sample(10, 10)
    scene.trueMs += 60_000
    assert.equal(scene.errorMs, 10)
    assert.ok(Math.abs(scene.offMs) < 1e-3)
  })

  it('is not known once the wall clock and the monotonic one went apart, until it is asked afresh', () => {
    for (const byMs of [251, -251]) {
      const scene = new Scene()
      scene.sample(0, 0)
      scene.wallOffMs += byMs - Math.sign(byMs) * 2
      assert.equal(scene.errorMs, 0, 'that much may be')
      scene.wallOffMs += 2 * Math.sign(byMs)
      assert.equal(scene.errorMs, Infinity)
      assert.equal(scene.errorMs, Infinity, 'also when looked at again')
      scene.sample(3, 0)
      assert.equal(scene.errorMs, 1.5)
    }
  })

  it('is not known by an answer to a question from before that', () => {
    const scene = new Scene()
    scene.sample(0, 0)
    const sentAtMs = scene.read().monotonicMs
    const { brokerMs } = scene
    scene.trueMs += 5
    // It slept a minute: the monotonic clock stood still.
    scene.wallOffMs += 60_000
    scene.brokerOffMs += 60_000
    const receivedAtMs = scene.read().monotonicMs
    assert.equal(scene.estimator.take({ sentAtMs, receivedAtMs, brokerMs }, scene.read()), undefined)
    assert.equal(scene.errorMs, Infinity)
    assert.equal(scene.sample(0, 0), 60_000)
    assert.equal(scene.errorMs, 0)
  })
})
