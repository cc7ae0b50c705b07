// The seed of a random test: printed with the test's result, and taken from SEED to replay a failure.

import { randomInt } from 'node:crypto'

export function seedOf(test: { diagnostic(message: string): void }): number {
  const seed = process.env.SEED === undefined ? randomInt(2 ** 31) : Number(process.env.SEED)
  test.diagnostic(`replay with SEED=${seed}`)
  return seed
}

/** The same numbers, [0, 1), for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed | 0
  return () => {
    // mulberry32
    state = (state + 0x6d_2b_79_f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
