// Which limits a value breaks. The edges check commands before they come here; what a command makes of a
// timer (a merge patch applied, a time added) can only be checked here, and the rest is checked again, so
// that no event is made that the codec or a reader would refuse. Pure.

import type { Fault, Refusal } from '@timers/shared/errors.ts'
import { limits } from '@timers/shared/timer/limits.ts'
import type { JsonValue } from '@timers/shared/timer/timer.ts'

/** undefined when there is no fault. */
export function refusalOf(...faults: readonly (Fault | undefined)[]): Refusal | undefined {
  const errors = faults.filter((each) => each !== undefined)
  return errors.length === 0
    ? undefined
    : { code: 'invalid_value', detail: 'The command has a value that is not allowed: see errors.', errors }
}

/** A duration, a remaining time, a retention. */
export function spanFault(pointer: string, ms: number): Fault | undefined {
  return Number.isSafeInteger(ms) && ms >= 0 && ms <= limits.durationMs
    ? undefined
    : outOfRange(pointer, 'must be whole milliseconds, from 0 to ten years')
}

/** How much time is added or, if negative, taken. */
export function changeFault(pointer: string, ms: number): Fault | undefined {
  return Number.isSafeInteger(ms) ? undefined : outOfRange(pointer, 'must be whole milliseconds')
}

/** What is left after a change that was itself sound; `pointer` names what went too far. */
export function remainingFault(pointer: string, ms: number): Fault | undefined {
  return ms <= limits.durationMs ? undefined : outOfRange(pointer, 'would leave more than ten years')
}

export function factorFault(pointer: string, factor: number): Fault | undefined {
  return Number.isFinite(factor) && factor >= 0
    ? undefined
    : outOfRange(pointer, 'must be a finite number, 0 or more')
}

export function instantFault(pointer: string, ms: number): Fault | undefined {
  return Number.isSafeInteger(ms) && ms >= 0
    ? undefined
    : outOfRange(pointer, 'must be an instant from 1970 on, in whole milliseconds')
}

export function titleFault(title: string): Fault | undefined {
  return title.length <= limits.titleLength
    ? undefined
    : outOfRange('/title', `must be at most ${limits.titleLength} characters`)
}

/** The faults of a whole set of labels, with a patch applied: a value may still be anything. */
export function labelFaults(labels: Readonly<Record<string, JsonValue>>): readonly Fault[] {
  const keys = Object.keys(labels)
  return keys.length > limits.labels
    ? [outOfRange('/labels', `must be at most ${limits.labels} labels`)]
    : keys.filter((key) => !isLabel(key, labels[key])).map(labelFault)
}

function isLabel(key: string, value: JsonValue | undefined): boolean {
  return limits.labelKey.test(key) && typeof value === 'string' && value.length <= limits.labelValueLength
}

function labelFault(key: string): Fault {
  return outOfRange(
    `/labels/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`,
    `must have a key of 1 to 63 of a-z 0-9 . _ - and a text of at most ${limits.labelValueLength} characters`,
  )
}

/** `text` is JSON, or '' for none. */
export function metadataFault(text: string): Fault | undefined {
  // A UTF-16 code unit is at most three bytes: short texts need no counting.
  return text.length * 3 <= limits.metadataBytes || Buffer.byteLength(text) <= limits.metadataBytes
    ? undefined
    : outOfRange('/metadata', `must be at most ${limits.metadataBytes} bytes as JSON`)
}

/** Depth and numbers of JSON that is to be kept. Looks no deeper than the limit. */
export function jsonFault(pointer: string, value: JsonValue | undefined, depth = 1): Fault | undefined {
  if (typeof value === 'number') {
    return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))
      ? undefined
      : outOfRange(pointer, 'must have finite numbers, and integers within ±(2^53 − 1)')
  }
  if (typeof value !== 'object' || value === null) {
    return undefined
  }
  if (depth > limits.metadataDepth) {
    return outOfRange(pointer, `must not be nested deeper than ${limits.metadataDepth}`)
  }
  for (const inner of Object.values<JsonValue>(value)) {
    const found = jsonFault(pointer, inner, depth + 1)
    if (found !== undefined) {
      return found
    }
  }
  return undefined
}

export function notAllowed(pointer: string, detail: string): Fault {
  return { pointer, code: 'not_allowed', detail }
}

function outOfRange(pointer: string, detail: string): Fault {
  return { pointer, code: 'out_of_range', detail }
}
