// Chance from one seed. Each part of a run draws from a stream of its own, so that taking a fault out of a
// scenario leaves the rest of the run as it was, as far as can be.

import { randomOf } from '@timers/dev/seed.ts'

export class Random {
  readonly #seed: number
  /** [0, 1). */
  readonly next: () => number

  constructor(seed: number) {
    this.#seed = seed
    this.next = randomOf(seed)
  }

  /** Another stream: the same one for the same name. */
  of(name: string): Random {
    let value = this.#seed ^ 0x9e_37_79_b9
    for (let i = 0; i < name.length; i += 1) value = Math.imul(value ^ name.charCodeAt(i), 0x01_00_01_93)
    return new Random(value ^ (value >>> 15))
  }

  between(least: number, most: number): number {
    return least + this.next() * (most - least)
  }

  /** A whole number, `most` included. */
  integer(least: number, most: number): number {
    return Math.floor(this.between(least, most + 1))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(list: readonly T[]): T {
    const picked = list[Math.floor(this.next() * list.length)]
    if (picked === undefined) throw new Error('There is nothing to pick from')
    return picked
  }

  /** A key, as often as its weight among all. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const keys = Object.keys(weights) as K[]
    let left = this.next() * keys.reduce((sum, key) => sum + weights[key], 0)
    for (const key of keys) {
      left -= weights[key]
      if (left < 0) return key
    }
    return this.pick(keys)
  }

  hex(digits: number): string {
    return Array.from({ length: digits }, () => this.integer(0, 15).toString(16)).join('')
  }
}
