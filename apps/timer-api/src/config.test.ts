import assert from 'node:assert/strict'
import test from 'node:test'
import { ConfigError } from '@timers/shared/config.ts'
import { readTimerApiConfig } from './config.ts'

function faults(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    readTimerApiConfig(env)
    return []
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.faults
  }
}

test('by default it listens on loopback; behind a named proxy everywhere', () => {
  assert.equal(readTimerApiConfig({}).HTTP_HOST, '127.0.0.1')
  assert.equal(readTimerApiConfig({ AUTH_OFF_BEHIND: 'proxy' }).HTTP_HOST, '0.0.0.0')
})

test('without authentication it starts neither in production nor beyond loopback', () => {
  assert.match(faults({ NODE_ENV: 'production', AUTH_OFF_BEHIND: 'proxy' }).join(), /^AUTH off is refused/)
  assert.match(faults({ HTTP_HOST: '0.0.0.0' }).join(), /^HTTP_HOST must be a loopback address/)
})

test('faults are told all at once, by name', () => {
  const names = faults({ HTTP_PORT: '99999', AUTH: 'on', OPS_PORT: 'x' }).map((fault) => fault.split(' ')[0])
  assert.deepEqual(names.toSorted(), ['AUTH', 'HTTP_PORT', 'OPS_PORT'])
})
