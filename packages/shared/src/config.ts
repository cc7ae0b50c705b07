// Configuration from the environment: every fault at once, by the name of its variable. Nothing else
// in the project reads process.env.

import { z } from 'zod'
import { hostname } from 'node:os'

export class ConfigError extends Error {
  /** One sentence each, starting with the variable's name. */
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(`The configuration has ${faults.length} fault(s): ${faults.join('; ')}`)
    this.name = 'ConfigError'
    this.faults = faults
  }
}

/** A decimal integer within both bounds. */
export function wholeNumber(least: number, most: number): z.ZodType<number, string> {
  const problem = `must be an integer from ${least} to ${most}`
  return z
    .string()
    .regex(/^\d{1,15}$/, problem)
    .transform(Number)
    .refine((value) => value >= least && value <= most, problem)
}

/** 0 = any free one. */
export const portNumber = wholeNumber(0, 65_535).default(0)

const nodeNamePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

/** What every service takes. */
export const commonShape = {
  NODE_NAME: z
    .string()
    .regex(nodeNamePattern, 'must be up to 63 letters, digits, dots, underscores and hyphens')
    .optional(),
  NATS_URL: z
    .string()
    .default('nats://127.0.0.1:4222')
    .transform((list) => list.split(',').map((url) => url.trim()))
    .refine((urls) => urls.every((url) => url !== ''), 'must be one or more URLs, separated by commas'),
  OPS_HOST: z.string().default('127.0.0.1'),
  OPS_PORT: portNumber,
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'], 'must be debug, info, warn, error or silent')
    .default('info'),
  NODE_ENV: z.string().default('development'),
}

/** The name a node goes by: unique in a cluster, kept over restarts. */
export function nodeName(role: string, configured: string | undefined): string {
  return configured ?? `${role}-${hostname().replaceAll(/[^A-Za-z0-9._-]/g, '-')}`.slice(0, 63)
}

/**
 * Reads the variables of `shape`; an empty one counts as absent, others are ignored.
 * Throws a ConfigError with every fault.
 */
export function readConfig<S extends z.ZodRawShape>(
  shape: S,
  env: NodeJS.ProcessEnv,
): z.output<z.ZodObject<S>> {
  const given = Object.fromEntries(
    Object.keys(shape).flatMap((name) =>
      env[name] === undefined || env[name] === '' ? [] : [[name, env[name]]],
    ),
  )
  const parsed = z.object(shape).safeParse(given)
  if (parsed.success) return parsed.data
  throw new ConfigError(
    parsed.error.issues.map((issue) => {
      const name = String(issue.path[0])
      return `${name} ${name in given ? issue.message : 'is required'}`
    }),
  )
}
