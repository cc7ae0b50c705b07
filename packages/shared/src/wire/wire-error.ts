// What is wrong with a message, and the checks that say so. They run before a message is encoded:
// a fraction or NaN must never throw from inside the encoder, where a whole batch would go with it.

export class WireError extends Error {
  readonly field: string

  constructor(field: string, problem: string, cause?: unknown) {
    super(`${field} ${problem}`, { cause })
    this.name = 'WireError'
    this.field = field
  }
}

/** An integer that a double holds exactly. */
export function integer(value: number, field: string): number {
  if (!Number.isSafeInteger(value)) throw new WireError(field, `is not an integer: ${value}`)
  return value
}

export function natural(value: number, field: string): number {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new WireError(field, `is not an integer of 0 or more: ${value}`)
  }
  return value
}

export function positive(value: number, field: string): number {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new WireError(field, `is not an integer of 1 or more: ${value}`)
  }
  return value
}

export function uint32(value: number, field: string): number {
  if (value >>> 0 !== value) throw new WireError(field, `is not a 32-bit natural number: ${value}`)
  return value
}

export function filled(value: string, field: string): string {
  if (value === '') throw new WireError(field, 'is empty')
  return value
}

export function exactly(bytes: Uint8Array, length: number, field: string): Uint8Array {
  if (bytes.length !== length) throw new WireError(field, `has ${bytes.length} bytes, not ${length}`)
  return bytes
}

export function present<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw new WireError(field, 'is missing')
  return value
}

/** Looks up a name's number or a number's name. */
export function known<V>(value: V | undefined, field: string, given: unknown): V {
  if (value === undefined) throw new WireError(field, `is not known: ${String(given)}`)
  return value
}

/** The message in `bytes`; whatever the decoder says is a WireError. */
export function decode<T>(codec: { decode(bytes: Uint8Array): T }, bytes: Uint8Array, field: string): T {
  try {
    return codec.decode(bytes)
  } catch (error) {
    throw new WireError(field, 'cannot be decoded', error)
  }
}
