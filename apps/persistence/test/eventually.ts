// Waits for what has no event to await: asks again until it holds, or throws what was wrong the last time.

import { setTimeout as delay } from 'node:timers/promises'

export async function eventually(check: () => void | Promise<void>, withinMs = 15_000): Promise<void> {
  const untilMs = performance.now() + withinMs
  for (;;) {
    try {
      await check()
      return
    } catch (error) {
      if (performance.now() > untilMs) throw error
    }
    await delay(10)
  }
}
