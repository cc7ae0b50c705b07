import assert from 'node:assert/strict'
import test from 'node:test'
import { createLocalOnly, localOnlyFaults } from './local-only.ts'

test('only a Host of this machine is served', () => {
  const check = createLocalOnly({ behind: 'Front' })
  for (const host of [
    'localhost',
    'LOCALHOST:3000',
    '127.0.0.1:1',
    '127.9.9.9',
    '[::1]:80',
    '[::1]',
    'front:3000',
    'FRONT',
  ]) {
    assert.equal(check({ host }), undefined, host)
  }
  for (const host of [
    undefined,
    '',
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil',
    '10.0.0.1',
    '[::2]',
    'localhost:',
    'a@localhost',
    'localhost:123456',
    'front.evil',
  ]) {
    assert.equal(check({ host })?.code, 'forbidden', host)
  }
  assert.equal(createLocalOnly({ behind: undefined })({ host: 'front' })?.code, 'forbidden')
})

test('only a page of this machine may ask', () => {
  const check = createLocalOnly({ behind: undefined })
  const host = 'localhost'
  for (const origin of [undefined, 'http://localhost:3000', 'https://127.0.0.1', 'http://[::1]:5173']) {
    assert.equal(check({ host, origin }), undefined, origin)
  }
  for (const origin of [
    'null',
    '',
    'http://evil.example',
    'http://localhost.evil',
    'file://localhost',
    'http://localhost/',
    'http://evil@localhost',
  ]) {
    assert.equal(check({ host, origin })?.errors?.[0]?.header, 'Origin', origin)
  }
})

test('an edge without authentication starts on loopback only, and never in production', () => {
  const good = {
    AUTH: 'off',
    NODE_ENV: 'development',
    HTTP_HOST: '127.0.0.1',
    AUTH_OFF_BEHIND: undefined,
  } as const
  assert.deepEqual(localOnlyFaults(good), [])
  assert.deepEqual(localOnlyFaults({ ...good, HTTP_HOST: '::1' }), [])
  assert.deepEqual(localOnlyFaults({ ...good, HTTP_HOST: '0.0.0.0', AUTH_OFF_BEHIND: 'proxy' }), [])
  assert.equal(localOnlyFaults({ ...good, HTTP_HOST: '0.0.0.0' }).length, 1)
  assert.equal(localOnlyFaults({ ...good, NODE_ENV: 'production', HTTP_HOST: '::' }).length, 2)
})
