// Reads JSON from a client's bytes: UTF-8 or nothing, bounded depth, no member named twice, -0 is 0.
// Knows no schema; a number like 1e400 comes out as Infinity, which every schema refuses by name.

import { isUtf8 } from 'node:buffer'
import type { JsonValue } from '../timer/timer.ts'

export type ParsedJson =
  { readonly ok: true; readonly value: JsonValue } | { readonly ok: false; readonly detail: string }

/** Containers within containers; more is nobody's honest request. */
export const maxJsonDepth = 64

export function strictParse(bytes: Uint8Array): ParsedJson {
  if (!isUtf8(bytes)) return { ok: false, detail: 'The text is not UTF-8.' }
  let value: JsonValue
  try {
    value = JSON.parse(
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'),
    ) as JsonValue
  } catch {
    return { ok: false, detail: 'The text is not JSON.' }
  }
  if (typeof value !== 'object' || value === null) return { ok: true, value: value === 0 ? 0 : value }
  const members = tidy(value, 1)
  if (members < 0) return { ok: false, detail: `The JSON is nested deeper than ${maxJsonDepth}.` }
  // The parser keeps the last of several members of one name, so then there are fewer than colons.
  if (members !== colons(bytes)) return { ok: false, detail: 'An object has the same member twice.' }
  return { ok: true, value }
}

/** How many members all objects together have, -1 when nested too deep; makes each -0 a 0 on the way. */
function tidy(container: object, depth: number): number {
  if (depth > maxJsonDepth) return -1
  const values = container as Record<string, JsonValue>
  const keys = Object.keys(values)
  let members = Array.isArray(container) ? 0 : keys.length
  for (const key of keys) {
    const child = values[key]
    if (child === 0) values[key] = 0
    else if (typeof child === 'object' && child !== null) {
      const inner = tidy(child, depth + 1)
      if (inner < 0) return -1
      members += inner
    }
  }
  return members
}

/** The colons of a valid JSON text that are outside its strings: one a member. */
function colons(json: Uint8Array): number {
  let count = 0
  let quoted = false
  for (let i = 0; i < json.length; i++) {
    const byte = json[i]
    if (quoted) {
      if (byte === 0x5c) i += 1
      else if (byte === 0x22) quoted = false
    } else if (byte === 0x22) quoted = true
    else if (byte === 0x3a) count += 1
  }
  return count
}
