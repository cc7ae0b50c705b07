// timer-api's configuration.

import { z } from 'zod'
import { commonShape, ConfigError, portNumber, readConfig } from '@timers/shared/config.ts'
import { localOnlyFaults } from '@timers/shared/local-only.ts'

const shape = {
  ...commonShape,
  HTTP_HOST: z.string().optional(),
  HTTP_PORT: portNumber,
  AUTH: z.enum(['off'], 'must be off').default('off'),
  AUTH_OFF_BEHIND: z.string().optional(),
}

export type TimerApiConfig = ReturnType<typeof readTimerApiConfig>

/** Throws a ConfigError with every fault. Behind a named proxy it listens everywhere, else on loopback. */
export function readTimerApiConfig(env: NodeJS.ProcessEnv) {
  const given = readConfig(shape, env)
  const config = {
    ...given,
    HTTP_HOST: given.HTTP_HOST ?? (given.AUTH_OFF_BEHIND === undefined ? '127.0.0.1' : '0.0.0.0'),
    AUTH_OFF_BEHIND: given.AUTH_OFF_BEHIND,
  }
  const faults = localOnlyFaults(config)
  if (faults.length > 0) throw new ConfigError(faults)
  return config
}
