// A logger that says nothing, for tests.

import type { Logger } from '../logger.ts'

const nothing = (): void => undefined

export const quiet: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => quiet,
}
