// How a service lives and ends: ready line, signals, a stop within its deadline, an exit code that
// tells why. Never process.exit: everything is released and the loop empties, or the process is killed.

import { ConfigError } from './config.ts'
import { createLogger, type Logger } from './logger.ts'

/** A service that listens. Disposing of it drains and releases everything. */
export interface RunningApp extends AsyncDisposable {
  readonly name: string
  readonly ops: string
  readonly http?: string
  readonly grpc?: string
  /** Rejects when the service can't go on. */
  readonly failed?: Promise<never>
}

const stopWithinMs = 10_000

/**
 * Runs a service until SIGTERM, SIGINT, its failure, or (EXIT_WITH_STDIN=1) the end of stdin. Exit
 * codes: 0 asked to stop, 1 failed, 2 wrong configuration. While it starts nothing is served yet, so
 * a signal just ends it.
 */
export async function runMain(
  role: string,
  start: (env: NodeJS.ProcessEnv) => Promise<RunningApp>,
): Promise<void> {
  const withStdin = process.env['EXIT_WITH_STDIN'] === '1'
  if (withStdin) leaveWithStdin()
  try {
    const app = await start(process.env)
    const logger = createLogger({ role, name: app.name, level: 'info' })
    const end = endOf(app, logger)
    const { name, ops, http, grpc } = app
    process.stdout.write(
      `${JSON.stringify({ ready: true, role, name, pid: process.pid, ops, http, grpc })}\n`,
    )
    await end
    await stop(app, logger)
  } catch (error) {
    tellFault(role, error)
  } finally {
    if (withStdin) process.stdin.destroy()
  }
}

function tellFault(role: string, error: unknown): void {
  if (error instanceof ConfigError) {
    process.exitCode = 2
    for (const fault of error.faults) process.stderr.write(`${role}: ${fault}\n`)
  } else {
    process.exitCode = 1
    createLogger({ role, name: role, level: 'error' }).error({ error }, 'could not start')
  }
}

function leaveWithStdin(): void {
  const leave = (): void => {
    process.kill(process.pid, 'SIGTERM')
  }
  process.stdin.once('end', leave).once('error', leave).resume()
}

/** Resolves when the service is to stop; from its call on signals and faults are taken care of. */
function endOf(app: RunningApp, logger: Logger): Promise<void> {
  const end = Promise.withResolvers<undefined>()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    // Once: a second one kills.
    process.once(signal, () => {
      logger.info({ signal }, 'stopping')
      end.resolve(undefined)
    })
  }
  const fail = (error: unknown, message: string): void => {
    process.exitCode = 1
    logger.error({ error }, message)
    end.resolve(undefined)
  }
  process.on('uncaughtException', (error) => {
    fail(error, 'uncaught')
  })
  app.failed?.catch((error: unknown) => {
    fail(error, 'cannot go on')
  })
  return end.promise
}

async function stop(app: RunningApp, logger: Logger): Promise<void> {
  // Holds for the whole end, also for what keeps the loop alive after everything was released.
  const deadline = setTimeout(() => {
    const held = process.getActiveResourcesInfo()
    logger.error({ withinMs: stopWithinMs, held }, 'stop took too long: killed')
    process.kill(process.pid, 'SIGKILL')
  }, stopWithinMs)
  try {
    await app[Symbol.asyncDispose]()
  } catch (error) {
    process.exitCode = 1
    logger.error({ error }, 'stop failed')
  }
  deadline.unref()
}
