// What lint cannot see, held here: import cycles, rooms that import rooms, apps that import apps, folders nobody
// drew on the map, and names that say nothing.

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { test } from 'node:test'

const root = import.meta.dirname
const rooms = ['http', 'ws', 'grpc', 'nats', 'mongo', 'file', 'schema', 'sse']
const bannedNames = /(^|\/)(utils?|helpers?|common|misc|lib|index)(\.ts)?(\/|$)/

interface Source {
  readonly path: string
  readonly text: string
  /** Paths of the project's files it imports, types too. */
  readonly imports: readonly string[]
  /** Those that are there when it runs. */
  readonly loads: readonly string[]
}

function sources(): Map<string, Source> {
  const paths = globSync(['apps/*/src/**/*.ts', 'packages/*/src/**/*.ts'], { cwd: root })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !path.includes('/gen/'))
  return new Map(
    paths.map((path) => {
      const text = readFileSync(join(root, path), 'utf8')
      const imports = [...text.matchAll(/^(?:import|export)(?<type> type)?\b[^;'"]*?from '(?<from>[^']+)'/gm)]
      const files = (of: typeof imports): string[] =>
        of.flatMap(({ groups }) => resolved(path, groups?.['from'] ?? ''))
      const loaded = imports.filter(({ groups }) => groups?.['type'] === undefined)
      return [path, { path, text, imports: files(imports), loads: files(loaded) }]
    }),
  )
}

function resolved(from: string, name: string): string[] {
  if (name.startsWith('.')) return [normalize(join(dirname(from), name)).replaceAll('\\', '/')]
  const shared = /^@timers\/([a-z-]+)\/(.+)$/.exec(name)
  return shared === null || shared[1] === 'proto'
    ? []
    : [`packages/${shared[1] ?? ''}/src/${shared[2] ?? ''}`]
}

const all = sources()
const production = [...all.values()].filter(({ path }) => !/\.(test|bench)\.ts$/.test(path))

test('the project is found', () => {
  assert.ok(production.length > 50, `${production.length} files`)
})

test('no import cycles', () => {
  const done = new Set<string>()
  const walk = (path: string, trail: readonly string[]): void => {
    assert.ok(!trail.includes(path), `a cycle: ${[...trail.slice(trail.indexOf(path)), path].join(' → ')}`)
    if (done.has(path)) return
    for (const next of all.get(path)?.loads ?? []) walk(next, [...trail, path])
    done.add(path)
  }
  for (const { path } of production) walk(path, [])
})

/** The room a file is in, as `<workspace>/<room>`; undefined for an idea or a door. */
function roomOf(path: string): string | undefined {
  const [, workspace, folder] = /^((?:apps|packages)\/[^/]+)\/src\/([^/]+)\//.exec(path) ?? []
  return folder !== undefined && rooms.includes(folder) ? `${workspace ?? ''}/${folder}` : undefined
}

test('a room imports no other room of its workspace', () => {
  for (const { path, imports } of production) {
    const room = roomOf(path)
    if (room === undefined) continue
    for (const imported of imports) {
      const other = roomOf(imported)
      const same = other === undefined || other === room || dirname(other) !== dirname(room)
      // The schemas of clients' input are what every edge's room reads with.
      assert.ok(same || other.endsWith('/schema'), `${path} imports ${imported}`)
    }
  }
})

test('apps import no apps, packages no apps', () => {
  for (const { path, imports } of production) {
    const own = path.split('/').slice(0, 2).join('/')
    for (const imported of imports) {
      assert.ok(
        !imported.startsWith('apps/') || imported.startsWith(`${own}/`),
        `${path} imports ${imported}`,
      )
    }
  }
})

test('every import of the project names a file that is there', () => {
  for (const { path, imports } of production) {
    for (const imported of imports) {
      assert.ok(all.has(imported) || imported.endsWith('.json'), `${path} imports ${imported}`)
    }
  }
})

test('no file or folder has a name that says nothing', () => {
  for (const { path } of production) assert.doesNotMatch(path, bannedNames)
})

test('every file says at its top what it is', () => {
  for (const { path, text } of production) assert.match(text, /^(#!.*\n)?\/\//, path)
})

test('ARCHITECTURE.md names every folder of the sources', () => {
  const map = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
  const folders = new Set(production.map(({ path }) => dirname(path)))
  for (const folder of folders) {
    const [workspace, inside] = folder.split('/src')
    assert.ok(map.includes(workspace ?? folder), `ARCHITECTURE.md does not name ${workspace ?? folder}`)
    const name = (inside ?? '').slice(1)
    if (name !== '')
      assert.ok(map.includes(`\`${name}/\``), `ARCHITECTURE.md does not name ${relative('.', folder)}`)
  }
})
