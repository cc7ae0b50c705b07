import assert from 'node:assert/strict'
import test from 'node:test'
import { isAcceptable } from './accept.ts'

test('the most specific range decides', () => {
  const json = 'application/json'
  for (const accept of [
    undefined,
    '*/*',
    json,
    'application/*',
    'text/html, */*;q=0.1',
    'APPLICATION/JSON; q=1',
    'text/plain,application/json;v=1',
  ]) {
    assert.equal(isAcceptable(accept, json), true, accept)
  }
  for (const accept of [
    '',
    'text/html',
    'application/json;q=0, */*',
    'application/*;q=0.0,*/*',
    'text/*',
    'application/jsonx',
    ',,',
    'application/json;q=x',
  ]) {
    assert.equal(isAcceptable(accept, json), false, accept)
  }
  assert.equal(isAcceptable('text/html,application/xml;q=0.9', 'text/html; charset=utf-8'), true)
})
