// What `npm start` shows: the table for a person and run.json for scripts. Only words; it starts nothing.

import type { Cluster } from './cluster.ts'
import type { Found, Missing } from './provision.ts'

export interface Setting {
  readonly dataDirectory: string
  readonly sync: 'lazy' | 'always'
  /** What was chosen; undefined: the environment names running servers. */
  readonly natsServer: Found | undefined
  readonly mongod: Found | Missing | undefined
}

interface Row {
  readonly name: string
  readonly pid: number | undefined
  readonly urls: readonly string[]
  readonly note: string
}

/** The content of run.json. */
export function runState(cluster: Cluster, setting: Setting, startedAt: Date): object {
  return {
    pid: process.pid,
    startedAt: startedAt.toISOString(),
    frontDoor: cluster.frontDoor.url,
    natsUrl: withoutPassword(cluster.natsUrl),
    mongodbUri: cluster.mongodbUri && withoutPassword(cluster.mongodbUri),
    data: setting.dataDirectory,
    processes: [
      ...[cluster.nats, cluster.mongod].flatMap((server) =>
        server === undefined ? [] : [{ name: server.process.name, pid: server.pid, url: server.url }],
      ),
      ...cluster.services.map(({ name, role, pid, ops, http, grpc }) => {
        const partitions = role === 'timer-core' ? cluster.owners.ownedBy(name) : undefined
        return { name, role, pid, ops, http, grpc, partitions }
      }),
    ],
  }
}

export function table(cluster: Cluster, setting: Setting): string {
  const rows: Row[] = [
    { name: 'front door', pid: process.pid, urls: [cluster.frontDoor.url], note: '' },
    ...cluster.services.toReversed().map((service) => ({
      name: service.name,
      pid: service.pid,
      urls: [service.http, service.grpc, service.ops].filter((url) => url !== undefined),
      note: noteOf(service.name, service.role, cluster),
    })),
    {
      name: 'nats-server',
      pid: cluster.nats?.pid,
      urls: [withoutPassword(cluster.natsUrl)],
      note: versionOf(setting.natsServer),
    },
    {
      name: 'mongod',
      pid: cluster.mongod?.pid,
      urls: cluster.mongodbUri === undefined ? [] : [withoutPassword(cluster.mongodbUri)],
      note: setting.mongod && 'reason' in setting.mongod ? 'none' : versionOf(setting.mongod),
    },
  ]
  const cells = rows.map(({ name, pid, urls, note }) => [name, pid?.toString() ?? '-', urls.join('  '), note])
  const head = ['', 'pid', 'HTTP, gRPC, ops', '']
  const widths = head.map((_, column) => Math.max(...[head, ...cells].map((row) => row[column]?.length ?? 0)))
  const lines = [head, ...cells].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return ['', ...lines, '', ...facts(cluster, setting), ''].join('\n')
}

function noteOf(name: string, role: string, cluster: Cluster): string {
  if (role === 'timer-core') return `${cluster.owners.ownedBy(name).length} partitions`
  if (role === 'persistence')
    return cluster.mongodbUri === undefined ? 'repository: files' : 'repository: mongo'
  return ''
}

/** Somebody else's server may have one in its URL; a terminal and a file are no place for it. */
function withoutPassword(urls: string): string {
  return urls.replaceAll(/\/\/[^@/,]*@/g, '//***@')
}

function versionOf(found: Found | Missing | undefined): string {
  return found && 'version' in found ? found.version : 'not ours'
}

/** [0, 1, 2, 5] → '0-2,5' */
export function ranges(numbers: readonly number[]): string {
  const parts: string[] = []
  for (let from = 0; from < numbers.length;) {
    let to = from
    while (numbers[to + 1] === (numbers[to] ?? NaN) + 1) to++
    parts.push(from === to ? `${numbers[from] ?? ''}` : `${numbers[from] ?? ''}-${numbers[to] ?? ''}`)
    from = to + 1
  }
  return parts.join(',') || 'none'
}

function facts(cluster: Cluster, { dataDirectory, sync, natsServer, mongod }: Setting): string[] {
  const url = cluster.frontDoor.url
  const fsync =
    natsServer === undefined
      ? 'as the NATS server in NATS_URL is configured'
      : sync === 'always'
        ? 'before every acknowledgement (LOG_SYNC=always)'
        : 'lazy: a power cut may lose the last moments; LOG_SYNC=always syncs before every acknowledgement'
  const cores = cluster.services.filter(({ role }) => role === 'timer-core')
  return [
    ...cores.map(({ name }) => `${name} owns partitions ${ranges(cluster.owners.ownedBy(name))}`),
    '',
    `data   ${dataDirectory} (logs in logs/)`,
    'auth   OFF: whoever can reach this machine’s loopback can do everything; nothing listens elsewhere',
    `fsync  ${fsync}`,
    ...(mongod && 'reason' in mongod
      ? [`mongod ${mongod.reason}. Lists and history are kept in files.`]
      : []),
    '',
    'Try it:',
    `  curl -X PUT ${url}/v1/timers/tea -H 'content-type: application/json' -d '{"durationMs": 10000}'`,
    `  curl -N '${url}/v1/stream?timer=tea&tickMs=1000'`,
    '',
    'Ctrl-C stops everything.',
  ]
}
