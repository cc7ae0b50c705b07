// Waits for what has no event to await: asks again until it holds, or throws what was wrong the last time.

import { setTimeout as delay } from 'node:timers/promises'

export async function eventually<T>(check: () => T | Promise<T>, withinMs = 20_000): Promise<T> {
  const untilMs = performance.now() + withinMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > untilMs) throw error
    }
    await delay(10)
  }
}
