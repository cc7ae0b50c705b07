// Logs: one JSON object a line, to stderr. Nobody else knows the library.

import { destination, pino, stdSerializers, stdTimeFunctions } from 'pino'

export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  /** An Error goes in the field `error`, here and in the others. */
  error(fields: object, message: string): void
  /** One that adds these fields to every line. */
  child(fields: object): Logger
}

/** `level`: debug, info, warn, error or silent. */
export function createLogger(options: { role: string; name: string; level: string }): Logger {
  const { role, name, level } = options
  return pino(
    {
      level,
      base: { role, name, pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      messageKey: 'message',
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: stdSerializers.err },
    },
    // Synchronous: the last line before a crash is the one that is needed.
    destination({ dest: 2, sync: true }),
  )
}
