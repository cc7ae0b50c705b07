// The seed of a random test: printed with the test's result, and taken from SEED to replay a failure.

import { randomInt } from 'node:crypto'

export function seedOf(test: { diagnostic(message: string): void }): number {
  const seed = process.env.SEED === undefined ? randomInt(2 ** 31) : Number(process.env.SEED)
  test.diagnostic(`replay with SEED=${seed}`)
  return seed
}
