// RFC 7396 merge patches, as an update brings them. Pure; never changes what it is given.

import type { JsonObject, JsonValue } from '@timers/shared/timer/timer.ts'

/** `null` as a patch leaves nothing. The patch's depth must have been checked: this follows it. */
export function mergePatch(target: JsonObject, patch: JsonObject | null): JsonObject {
  // A map, because `result['__proto__'] = …` would not add a member.
  const members = new Map(patch === null ? [] : Object.entries(target))
  for (const [name, value] of Object.entries(patch ?? {})) {
    if (value === null) {
      members.delete(name)
    } else if (isObject(value)) {
      const old = members.get(name)
      members.set(name, mergePatch(isObject(old) ? old : {}, value))
    } else {
      members.set(name, value)
    }
  }
  return Object.fromEntries(members)
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
