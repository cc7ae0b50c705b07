// A bounded number of places, for requests that stay a while.

import type { Places } from './services.ts'

export function createPlaces(options: { most: number }): Places {
  let taken = 0
  return {
    enter() {
      if (taken === options.most) return false
      taken += 1
      return true
    },
    leave() {
      taken -= 1
    },
  }
}
