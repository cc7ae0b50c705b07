import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Breaker, breakerTimes } from './breaker.ts'

const { openAfterMs, trialEachMs } = breakerTimes

test('opens after failing for a while, not by failing often', () => {
  const breaker = new Breaker()
  for (let ms = 0; ms < openAfterMs; ms += 1) breaker.failed(1000 + ms)
  assert.equal(breaker.state, 'closed')
  assert.ok(breaker.allows(1000 + openAfterMs))
  breaker.succeeded()
  breaker.failed(1000 + openAfterMs)
  assert.equal(breaker.state, 'closed', 'what came through in between counts')
  breaker.failed(1000 + 2 * openAfterMs)
  assert.equal(breaker.state, 'open')
})

test('lets one trial through each second, and closes when it succeeds', () => {
  const breaker = new Breaker()
  breaker.failed(0)
  breaker.failed(openAfterMs)
  assert.ok(!breaker.allows(openAfterMs + trialEachMs - 1))
  assert.ok(breaker.allows(openAfterMs + trialEachMs))
  assert.equal(breaker.state, 'half-open')
  assert.ok(!breaker.allows(openAfterMs + 5 * trialEachMs), 'one at a time')
  breaker.failed(openAfterMs + 2 * trialEachMs)
  assert.equal(breaker.state, 'open')
  assert.ok(!breaker.allows(openAfterMs + 3 * trialEachMs - 1))
  assert.ok(breaker.allows(openAfterMs + 3 * trialEachMs))
  breaker.givenUp()
  assert.equal(breaker.state, 'open', 'a trial that nobody waits for decides nothing')
  assert.ok(breaker.allows(openAfterMs + 3 * trialEachMs), 'the next one is the trial')
  breaker.succeeded()
  assert.equal(breaker.state, 'closed')
  assert.ok(breaker.allows(0) && breaker.allows(0))
})
