import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import test from 'node:test'
import { isUnchanged, readConditions, type TakenConditions } from './conditions.ts'

const both = { ifMatch: true, ifNoneMatch: true } as const

test('one strong tag or * is read', () => {
  assert.deepEqual(readConditions({}, both), {})
  assert.deepEqual(readConditions({ 'if-match': '"7"' }, both), { ifMatch: 7 })
  assert.deepEqual(readConditions({ 'if-match': '*' }, both), { ifMatch: '*' })
  assert.deepEqual(readConditions({ 'if-none-match': '"9007199254740991"' }, both), {
    ifNoneMatch: 9007199254740991,
  })
})

test('a strong tag that is none of ours matches no version', () => {
  for (const tag of [
    '"x"',
    '""',
    '"07"',
    '"0"',
    '"-1"',
    '"1.5"',
    '"9007199254740993"',
    '"99999999999999999999"',
  ]) {
    assert.deepEqual(readConditions({ 'if-match': tag }, both), { ifMatch: 0 }, tag)
  }
})

test('anything else is malformed and names its header', () => {
  for (const tag of ['', '7', 'W/"7"', '"7", "8"', '"7" ', '*,*', '"a"b"', "'7'", '"\u0001"']) {
    const refusal = readConditions({ 'if-none-match': tag }, both)
    assert.ok('code' in refusal && refusal.code === 'malformed', tag)
    assert.equal(refusal.errors?.[0]?.header, 'If-None-Match')
  }
})

test('a condition is refused where it means nothing', () => {
  const code = (headers: IncomingHttpHeaders, taken: TakenConditions) => {
    const read = readConditions(headers, taken)
    return 'code' in read ? read.code : read
  }
  assert.equal(code({ 'if-match': '"7"' }, {}), 'malformed')
  assert.equal(code({ 'if-none-match': '*' }, { ifMatch: true }), 'malformed')
  assert.equal(code({ 'if-none-match': '"7"' }, { ifNoneMatch: 'create' }), 'malformed')
  assert.equal(code({ 'if-match': '*', 'if-none-match': '*' }, both), 'malformed')
  assert.deepEqual(code({ 'if-none-match': '*' }, { ifNoneMatch: 'create' }), { ifNoneMatch: '*' })
})

test('a GET is unchanged when the tag is its version, or any version will do', () => {
  assert.equal(isUnchanged({ ifNoneMatch: 7 }, 7), true)
  assert.equal(isUnchanged({ ifNoneMatch: '*' }, 7), true)
  assert.equal(isUnchanged({ ifNoneMatch: 6 }, 7), false)
  assert.equal(isUnchanged({}, 7), false)
})
