import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { maxJsonDepth, strictParse } from './json.ts'

function parse(text: string) {
  return strictParse(Buffer.from(text))
}

test('what JSON.parse reads without loss is read the same', () => {
  fc.assert(
    fc.property(fc.json({ noUnicodeString: false }), (text) => {
      const value: unknown = JSON.parse(text, (_, value: unknown) => (value === 0 ? 0 : value))
      assert.deepEqual(parse(text), { ok: true, value })
    }),
  )
})

test('broken text and broken UTF-8 are refused', () => {
  for (const text of ['', ' ', '{', '{"a":1,}', '{a:1}', 'NaN', '[1] x', "{'a':1}", '\ufeff{}', '"\u0001"']) {
    assert.equal(parse(text).ok, false, text)
  }
  for (const bytes of [
    [0xff],
    [0x22, 0xc0, 0x80, 0x22],
    [0x22, 0xed, 0xa0, 0x80, 0x22],
    [0x22, 0xe2, 0x82, 0x22],
  ]) {
    assert.equal(strictParse(Uint8Array.from(bytes)).ok, false)
  }
})

test('a member named twice is refused, at any depth and however it is written', () => {
  for (const text of ['{"a":1,"a":1}', '[{"b":{"a":1,"\\u0061":2}}]', '{"__proto__":1,"__proto__":2}']) {
    assert.equal(parse(text).ok, false, text)
  }
  for (const text of ['{"a":{"a":1}}', '[{"a":1},{"a":1}]', '{"a":":","\\":":"\\\\","c:":1}']) {
    assert.equal(parse(text).ok, true, text)
  }
})

test('depth is bounded, also where it is extreme', () => {
  assert.equal(parse('['.repeat(maxJsonDepth) + ']'.repeat(maxJsonDepth)).ok, true)
  assert.equal(parse('['.repeat(maxJsonDepth + 1) + ']'.repeat(maxJsonDepth + 1)).ok, false)
  assert.equal(parse('['.repeat(500_000) + ']'.repeat(500_000)).ok, false)
  assert.equal(parse('{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000)).ok, false)
})

test('-0 is 0 everywhere, and 1e400 is left for the schema to refuse', () => {
  const parsed = parse('{"a":-0,"b":[-0.0,{"__proto__":-0}],"c":1e400}')
  assert.ok(parsed.ok)
  assert.deepEqual(parsed.value, JSON.parse('{"a":0,"b":[0,{"__proto__":0}],"c":1e400}'))
  assert.deepEqual(parse('-0'), { ok: true, value: 0 })
})

test('bytes in the middle of a larger buffer are read alone', () => {
  assert.deepEqual(strictParse(Buffer.from('xx{"a":1}yy').subarray(2, 9)), { ok: true, value: { a: 1 } })
})
