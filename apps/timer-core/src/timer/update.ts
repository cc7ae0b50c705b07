// What an update makes of a timer: merge patches applied, then the limits checked. Pure; never touches
// the clock's fields.

import type { Refusal } from '@timers/shared/errors.ts'
import type { Operation } from '@timers/shared/timer/command.ts'
import type { JsonObject, JsonValue, Labels, Timer } from '@timers/shared/timer/timer.ts'
import { jsonFault, labelFaults, metadataFault, refusalOf, spanFault, titleFault } from './limit-faults.ts'
import { isObject, mergePatch } from './merge-patch.ts'

type Update = Extract<Operation, { op: 'update' }>

/** The very same timer when the update changes nothing. */
export function updated(timer: Timer, update: Update, nowMs: number): Timer | Refusal {
  // First how deep the patches are, for to apply them is to follow them.
  const unfit = refusalOf(jsonFault('/labels', update.labels), jsonFault('/metadata', update.metadata))
  if (unfit !== undefined) {
    return unfit
  }
  const { title = timer.title, durationMs = timer.durationMs } = update
  const labels = update.labels === undefined ? timer.labels : mergePatch(timer.labels, update.labels)
  const metadata =
    update.metadata === undefined ? timer.metadata : patchedText(timer.metadata, update.metadata)
  const refusal = refusalOf(
    titleFault(title),
    spanFault('/durationMs', durationMs),
    ...labelFaults(labels),
    metadataFault(metadata),
  )
  if (refusal !== undefined) {
    return refusal
  }
  const same =
    title === timer.title &&
    durationMs === timer.durationMs &&
    metadata === timer.metadata &&
    sameMembers(labels, timer.labels)
  return same
    ? timer
    : {
        ...timer,
        version: timer.version + 1,
        title,
        durationMs: Math.max(0, durationMs), // of −0 a 0
        labels: labels as Labels, // labelFaults found no value that is not a text
        metadata,
        updatedAtMs: nowMs,
      }
}

/** The text of the metadata with the patch applied; the old text itself when that says the same. */
function patchedText(text: string, patch: JsonObject | null): string {
  const before = objectOf(text)
  const after = JSON.stringify(mergePatch(before, patch))
  if (after === JSON.stringify(before)) {
    return text
  }
  return after === '{}' ? '' : after
}

/** What is not an object is, to a merge patch, an empty one. */
function objectOf(text: string): JsonObject {
  try {
    const value = JSON.parse(text) as JsonValue
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}

function sameMembers(a: JsonObject, b: JsonObject): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}
