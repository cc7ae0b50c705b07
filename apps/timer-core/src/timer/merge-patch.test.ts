import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@timers/shared/timer/timer.ts'
import { mergePatch } from './merge-patch.ts'

test('the examples of RFC 7396 (its appendix A, for objects)', () => {
  for (const [target, patch, result] of [
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":{"b":"c"}}', '{"a":{"d":"e"}}', '{"a":{"b":"c","d":"e"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
    ['{"a":1}', 'null', '{}'],
    ['{}', '{"__proto__":{"a":1}}', '{"__proto__":{"a":1}}'],
    ['{"__proto__":1}', '{"b":2}', '{"__proto__":1,"b":2}'],
  ] as const) {
    const before = JSON.parse(target) as JsonObject
    const merged = mergePatch(before, JSON.parse(patch) as JsonObject | null)
    assert.equal(JSON.stringify(merged), result, `${target} + ${patch}`)
    assert.equal(JSON.stringify(before), target, 'what was given has changed')
  }
})
