// The folder with all that `npm start` keeps: whose versions wrote it (meta.json), and who uses it now (lock).
// It must never let two use it at once, or let a program open what another major of it wrote.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** A sentence for the person who started it; there is nothing to debug. */
export class CannotStart extends Error {}

/** Of this folder's own layout. */
const schema = 1

export interface Versions {
  /** Undefined: somebody else's server is used, whose data is not here. */
  readonly 'nats-server': string | undefined
  readonly mongod: string | undefined
}

interface Meta extends Partial<Versions> {
  readonly schema: number
  readonly createdAt: string
}

/** Takes the lock; disposing gives it back. Throws CannotStart and names the one that has it. */
export function lockDataDirectory(directory: string): Disposable {
  mkdirSync(directory, { recursive: true })
  const path = join(directory, 'lock')
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' })
      return {
        [Symbol.dispose]() {
          rmSync(path, { force: true })
        },
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    const pid = Number(readFileSync(path, 'utf8'))
    if (isRunning(pid, 'start.ts'))
      throw new CannotStart(
        `It runs already: pid ${pid}${whereItIs(directory)}. Its data is in ${directory}.`,
      )
    rmSync(path, { force: true }) // Its owner was killed.
  }
}

/** Has the pid of the guard whose processes use the data. */
export function guardFile(directory: string): string {
  return join(directory, 'guard')
}

const guardWithinMs = 10_000

/**
 * Resolves when nothing uses the data any more that a starter left when it was killed: its guard is ending it. Throws
 * CannotStart when that does not come to an end.
 */
export async function awaitGuard(directory: string, deps: { say: (line: string) => void }): Promise<void> {
  const path = guardFile(directory)
  if (!existsSync(path)) return
  const pid = Number(readFileSync(path, 'utf8'))
  const untilMs = performance.now() + guardWithinMs
  for (let told = false; isRunning(pid, 'guard-main.ts'); told = true) {
    if (!told) deps.say('Waiting for what was killed to end ...')
    if (performance.now() > untilMs)
      throw new CannotStart(`What a killed start left does not end: see the processes beside pid ${pid}.`)
    await delay(50)
  }
  rmSync(path, { force: true })
}

/** A pid may have been given to another program since: `program` is in the right one's arguments. */
function isRunning(pid: number, program: string): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  try {
    return execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).includes(program)
  } catch {
    return true // No ps here: better to be told to stop a process than to share data with it.
  }
}

function whereItIs(directory: string): string {
  try {
    const run = JSON.parse(readFileSync(join(directory, 'run.json'), 'utf8')) as { frontDoor?: string }
    return run.frontDoor === undefined ? '' : `, ${run.frontDoor}`
  } catch {
    return ', still starting'
  }
}

/** Moves all data to `old/<time>` within the folder; where to, or undefined if there was none. */
export function moveAside(directory: string, now: Date): string | undefined {
  const kept = new Set(['lock', 'old'])
  const names = readdirSync(directory).filter((name) => !kept.has(name))
  if (names.length === 0) return undefined
  const target = join(directory, 'old', now.toISOString().replaceAll(':', '-'))
  mkdirSync(target, { recursive: true })
  for (const name of names) renameSync(join(directory, name), join(target, name))
  return target
}

/** Throws CannotStart when another layout or another major version wrote the data; else notes the versions. */
export function checkVersions(directory: string, versions: Versions, now: Date): void {
  const path = join(directory, 'meta.json')
  const before = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Meta) : undefined
  const remedy = 'Start with --fresh to move it aside and begin anew'
  if (before && before.schema !== schema)
    throw new CannotStart(
      `The data in ${directory} has layout ${before.schema}, this program wants ${schema}. ${remedy}.`,
    )
  for (const program of ['nats-server', 'mongod'] as const) {
    const [had, has] = [before?.[program], versions[program]]
    if (had !== undefined && has !== undefined && majorOf(had) !== majorOf(has))
      throw new CannotStart(
        `The data in ${directory} was written by ${program} ${had}, and here is ${has}. ${remedy}, or use ${program} ${majorOf(had)}.`,
      )
  }
  const meta: Meta = {
    schema,
    createdAt: before?.createdAt ?? now.toISOString(),
    'nats-server': versions['nats-server'] ?? before?.['nats-server'],
    mongod: versions.mongod ?? before?.mongod,
  }
  writeAtomically(path, meta)
}

function majorOf(version: string): string {
  return version.split('.', 1)[0] ?? version
}

/** Readers see the old or the new, never a part. */
export function writeAtomically(path: string, value: unknown): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(value, undefined, 2)}\n`)
  renameSync(`${path}.new`, path)
}
