import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { Tick } from '@timers/shared/cluster/live.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'
import { baseMs, eventOf, idle, running } from '../../test/timers.ts'
import { VirtualClock } from '../../test/virtual-clock.ts'
import { Ticker, tickLimits } from './ticker.ts'

describe('the ticker', () => {
  let clock: VirtualClock
  let timers: Map<string, Timer>
  /** When each message went out, of which partition, with what. */
  let sent: { atMs: number; partition: number; ticks: readonly Tick[] }[]
  let ticker: Ticker
  beforeEach(() => {
    clock = new VirtualClock(baseMs)
    timers = new Map()
    sent = []
    ticker = new Ticker({
      clock,
      timerOf: (partition, tenantId, timerId) => timers.get(`${partition}/${tenantId}/${timerId}`),
      send: (partition, ticks) => sent.push({ atMs: clock.nowMs() - baseMs, partition, ticks }),
    })
  })
  const has = (timer: Timer, partition = 0): void => {
    timers.set(`${partition}/${timer.tenantId}/${timer.timerId}`, timer)
  }
  const watch = (...timerIds: string[]): void => {
    const watched = timerIds.map((timerId) => ({ tenantId: 'default', timerId, viewers: 1 }))
    ticker.watch(0, { gateway: 'g', watched })
  }
  /** [when, remaining] of each tick of this timer. */
  const ticksOf = (timerId: string): number[][] =>
    sent.flatMap(({ atMs, ticks }) =>
      ticks.filter((tick) => tick.timerId === timerId).map(({ remainingMs }) => [atMs, remainingMs]),
    )

  it('tells each whole second that is left, when it is, down to one', () => {
    has(running('a', baseMs + 3300))
    watch('a')
    clock.pass(10_000)
    assert.deepEqual(ticksOf('a'), [
      [300, 3000],
      [1300, 2000],
      [2300, 1000],
    ])
    assert.deepEqual(sent[0], {
      atMs: 300,
      partition: 0,
      ticks: [{ tenantId: 'default', timerId: 'a', version: 1, remainingMs: 3000 }],
    })
  })

  it('tells nothing of one that nobody watches, that stands, or that is not there', () => {
    has(running('unwatched', baseMs + 3000))
    has(idle('idle'))
    watch('idle', 'none')
    clock.pass(5000)
    assert.deepEqual(sent, [])
  })

  it('follows a change at once, with its version', () => {
    has(running('a', baseMs + 5000))
    watch('a')
    clock.pass(1500)
    const longer = running('a', baseMs + 9700, { version: 2 })
    has(longer)
    ticker.applied(eventOf('adjusted', longer))
    clock.pass(1500)
    assert.deepEqual(ticksOf('a'), [
      [1000, 4000],
      [1700, 8000],
      [2700, 7000],
    ])
    assert.equal(sent.at(-1)?.ticks[0]?.version, 2)
    const paused = idle('a', { version: 3 })
    has(paused)
    ticker.applied(eventOf('paused', paused))
    clock.pass(1000)
    assert.equal(sent.length, 3)
    const again = running('a', clock.nowMs() + 1500, { version: 4 })
    has(again)
    ticker.applied(eventOf('started', again))
    clock.pass(1000)
    assert.deepEqual(ticksOf('a').at(-1), [4500, 1000])
  })

  it('ends a watch that is not repeated for 5 s', () => {
    has(running('a', baseMs + 60_000))
    watch('a')
    clock.pass(2500)
    watch('a')
    clock.pass(60_000)
    assert.deepEqual(ticksOf('a').at(-1), [7000, 53_000])
    watch()
    assert.equal(ticker.size, 0)
  })

  it('goes on for one that is watched still, though it stood or was another node’s for a while', () => {
    const timer = running('a', baseMs + 60_000)
    has(timer)
    watch('a')
    clock.pass(1000)
    timers.clear()
    clock.pass(2000)
    assert.equal(sent.length, 1)
    has(timer)
    watch('a')
    clock.pass(1000)
    assert.deepEqual(ticksOf('a').at(-1), [4000, 56_000])
  })

  it('sends together what is due within 20 ms, of a partition in one message', () => {
    for (const [i, timerId] of ['a', 'b', 'c', 'd'].entries()) has(running(timerId, baseMs + 3500 + i * 5))
    has(running('x', baseMs + 3500), 1)
    watch('a', 'b', 'c', 'd')
    ticker.watch(1, { gateway: 'g', watched: [{ tenantId: 'default', timerId: 'x', viewers: 1 }] })
    clock.pass(700)
    assert.deepEqual(
      sent.map(({ atMs, partition, ticks }) => [
        atMs,
        partition,
        ticks.map(({ timerId }) => timerId).join(''),
      ]),
      [
        [500, 0, 'a'],
        [500, 1, 'x'],
        [500 + tickLimits.togetherMs, 0, 'bcd'],
      ],
    )
  })

  it('ticks each of many at each of their seconds, however they meet in its queue', () => {
    const ids = Array.from({ length: 50 }, (_, i) => `t${i}`)
    for (const [i, timerId] of ids.entries()) has(running(timerId, baseMs + 4000 + (i % 7) * 5))
    watch(...ids)
    clock.pass(4500)
    for (const timerId of ids)
      assert.deepEqual(
        ticksOf(timerId)
          .map(([, remainingMs]) => remainingMs)
          .filter((ms = 0) => ms < 4000),
        [3000, 2000, 1000],
        timerId,
      )
  })

  it('does not start afresh with each repeat of a watch', () => {
    has(running('a', baseMs + 10_000))
    for (let i = 0; i < 30; i += 1) {
      watch('a')
      clock.pass(100)
    }
    assert.deepEqual(ticksOf('a'), [
      [1000, 9000],
      [2000, 8000],
      [3000, 7000],
    ])
  })

  it('is silent once it is stopped', () => {
    has(running('a', baseMs + 10_000))
    watch('a')
    ticker.stop()
    clock.pass(5000)
    assert.deepEqual(sent, [])
  })
})
