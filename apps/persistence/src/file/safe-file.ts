// A file of lines that is whole or not there: written beside, synced, renamed into place; its last line tells that
// nothing is missing. Some older ones are kept, the newest that is whole is read. It knows no content.

import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'

const backups = 3
const chunkCharacters = 64 * 1024

/** Newest first: the file, then its backups. */
function pathsOf(path: string): string[] {
  return [path, ...Array.from({ length: backups }, (_, index) => `${path}.${index + 1}`)]
}

/** `keepBackup`: what was there becomes the newest backup. Throws, and then what was there still is. */
export async function writeSafely(path: string, lines: Iterable<string>, keepBackup: boolean): Promise<void> {
  const directory = dirname(path)
  const beside = join(directory, `.${basename(path)}.${process.pid}`)
  await mkdir(directory, { recursive: true })
  try {
    const file = await open(beside, 'w')
    try {
      await writeAll(file, lines)
      await file.sync()
    } finally {
      await file.close()
    }
    if (keepBackup) await shift(path)
    await rename(beside, path)
    await syncDirectory(directory)
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined)
    throw error
  }
}

/**
 * Hands the lines of the newest whole file to `take`, which may throw if they are not what it wants; false when
 * there is none. What is damaged is told to `onDamaged`, and put out of the way if it is the file itself.
 */
export async function readNewest(
  path: string,
  take: (lines: Iterable<string>) => void,
  onDamaged: (path: string, error: unknown) => void,
): Promise<boolean> {
  for (const candidate of pathsOf(path)) {
    try {
      take(checkedLines(await readFile(candidate)))
      return true
    } catch (error) {
      if (isMissing(error)) continue
      onDamaged(candidate, error)
      // So that it will not push a whole one out of the backups.
      if (candidate === path) await rename(path, `${path}.damaged`).catch(() => undefined)
    }
  }
  return false
}

async function writeAll(file: FileHandle, lines: Iterable<string>): Promise<void> {
  let checksum = 0
  let chunk = ''
  const flush = async (): Promise<void> => {
    const bytes = Buffer.from(chunk)
    checksum = crc32(bytes, checksum)
    chunk = ''
    await file.writeFile(bytes)
  }
  for (const line of lines) {
    chunk += `${line}\n`
    if (chunk.length >= chunkCharacters) await flush()
  }
  await flush()
  await file.writeFile(endLine(checksum))
}

function endLine(checksum: number): string {
  return `{"end":{"crc32":${checksum}}}\n`
}

function checkedLines(bytes: Buffer): string[] {
  const body = bytes.subarray(0, bytes.lastIndexOf('{"end":'))
  if (bytes.subarray(body.length).toString() !== endLine(crc32(body)))
    throw new Error('it is cut short or altered')
  const lines = body.toString().split('\n')
  lines.pop()
  return lines
}

async function shift(path: string): Promise<void> {
  if (!existsSync(path)) return
  const paths = pathsOf(path)
  for (let index = paths.length - 1; index > 0; index -= 1) {
    const [newer, older] = paths.slice(index - 1, index + 1)
    if (newer !== undefined && older !== undefined) await rename(newer, older).catch(ignoreMissing)
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error
}
