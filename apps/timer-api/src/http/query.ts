// The query of a URL, strictly: a broken escape is malformed, an unknown or repeated parameter a fault.

import { z } from 'zod'
import type { Fault, Refusal } from '@timers/shared/errors.ts'
import { faultsOf } from '@timers/shared/schema/faults.ts'

/** Given more than once these make a list; any other is a fault. */
const repeatable: ReadonlySet<string> = new Set(['label', 'timer'])
const mostParameters = 200

const noParameters = z.strictObject({}).transform(() => undefined)
const none = { ok: true, value: undefined } as const

type Parameters = Record<string, string | string[]>

export type ParsedQuery =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly faults: readonly Fault[] }

export function readQuery(url: string, schema: z.ZodType | undefined): ParsedQuery | Refusal {
  const start = url.indexOf('?')
  if (start < 0 && schema === undefined) return none
  const parameters: Parameters = {}
  const faults: Fault[] = []
  const broken = start < 0 ? undefined : collect(url.slice(start + 1), parameters, faults)
  if (broken !== undefined) return { code: 'malformed', detail: broken }
  const parsed = (schema ?? noParameters).safeParse(parameters)
  if (parsed.success && faults.length === 0) return { ok: true, value: parsed.data }
  for (const { pointer, ...fault } of parsed.success ? [] : faultsOf(parsed.error, parameters)) {
    faults.push({ parameter: parameterOf(pointer), ...fault })
  }
  return { ok: false, faults }
}

/** Fills `parameters` and `faults`; a sentence when the query cannot be read at all. */
function collect(query: string, parameters: Parameters, faults: Fault[]): string | undefined {
  const pairs = query.split('&', mostParameters + 1)
  if (pairs.length > mostParameters) return `The query has more than ${mostParameters} parameters.`
  for (const pair of pairs) {
    if (pair === '') continue
    const [name, value] = decode(pair)
    if (name === undefined || value === undefined) return 'The query has a broken percent-encoding.'
    const before = Object.hasOwn(parameters, name) ? parameters[name] : undefined
    if (Array.isArray(before)) before.push(value)
    else if (before === undefined) set(parameters, name, repeatable.has(name) ? [value] : value)
    else faults.push({ parameter: name, code: 'not_allowed', detail: 'is given more than once' })
  }
  return undefined
}

function decode(pair: string): [string?, string?] {
  const equals = pair.indexOf('=')
  const [name, value] = equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)]
  try {
    return [decodeURIComponent(name.replaceAll('+', ' ')), decodeURIComponent(value.replaceAll('+', ' '))]
  } catch {
    return []
  }
}

/** Also where the name is __proto__. */
function set(parameters: Parameters, name: string, value: string | string[]): void {
  Object.defineProperty(parameters, name, { value, enumerable: true, configurable: true, writable: true })
}

/** /label/0 → label. */
function parameterOf(pointer: string): string {
  const name = pointer.split('/')[1] ?? ''
  return name.replaceAll('~1', '/').replaceAll('~0', '~')
}
