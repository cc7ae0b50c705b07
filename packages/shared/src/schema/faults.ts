// What zod found wrong → the faults clients are told, each with its RFC 6901 pointer.

import type { z } from 'zod'
import type { Fault, Refusal } from '../errors.ts'

/** The codes of a fault: what kind of wrong, in addition to the words. */
export type FaultCode =
  'missing' | 'wrong_type' | 'wrong_format' | 'out_of_range' | 'not_allowed' | 'unknown_field'

/** An answer lists no more than this, however many there are. */
export const mostFaults = 100

export interface BodyFault extends Fault {
  readonly pointer: string
  readonly code: FaultCode
}

export function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** `input`: what was parsed, to tell a missing member from one of the wrong type. */
export function faultsOf(error: z.ZodError, input: unknown): BodyFault[] {
  const faults: BodyFault[] = []
  for (const issue of error.issues) {
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) {
        if (faults.length === mostFaults) return faults
        faults.push({
          pointer: pointerOf([...issue.path, key]),
          code: 'unknown_field',
          detail: 'is not known here',
        })
      }
    } else if (faults.length < mostFaults) {
      faults.push(faultOf(issue, input))
    }
  }
  return faults
}

const kinds: Partial<Record<z.core.$ZodIssue['code'], FaultCode>> = {
  invalid_type: 'wrong_type',
  too_big: 'out_of_range',
  too_small: 'out_of_range',
  invalid_format: 'wrong_format',
}

function faultOf(issue: z.core.$ZodIssue, input: unknown): BodyFault {
  const pointer = pointerOf(issue.path)
  if (issue.code === 'custom') {
    const code = issue.params?.code as FaultCode | undefined
    return { pointer, code: code ?? 'not_allowed', detail: issue.message }
  }
  return at(input, issue.path) === undefined
    ? { pointer, code: 'missing', detail: 'is missing' }
    : { pointer, code: kinds[issue.code] ?? 'not_allowed', detail: issue.message }
}

function at(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Record<PropertyKey, unknown>)[part]
  }
  return value
}

/** The refusal that lists them. `what` begins its sentence: "The body", "The query". */
export function refusalOf(errors: readonly Fault[], what: string): Refusal {
  const unknownOnly = errors.every((fault) => fault.code === 'unknown_field')
  return {
    code: unknownOnly ? 'unknown_field' : 'invalid_value',
    detail: `${what} has ${errors.length === 1 ? 'a fault' : `${errors.length} faults`}: see errors.`,
    errors,
  }
}
