// Random requests, half good or not at all: never a 5xx, a crash or a hang, and no problem but ours.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { text as readText } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { seedOf } from '@timers/dev/seed.ts'
import { ops } from '@timers/shared/timer/command.ts'
import { routes } from '../src/http/routes.ts'
import { startWorld, type World } from './world.ts'

let world: World
const errors: string[] = []
before(async () => {
  const log = (name: string, line: string): void => {
    if (name === 'timer-api' && /"level":"error"/.test(line)) errors.push(line)
  }
  world = await startWorld({}, { log })
})
after(() => world[Symbol.asyncDispose]())

const pick = fc.constantFrom
const number = fc.oneof(
  pick(0, -0, 1, 5000, -1, 1.5, 315_576_000_000, 315_576_000_001, 2 ** 53, 1e308),
  fc.double(),
  fc.integer(),
)
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  pick('\ud800', '__proto__', 'x'.repeat(300), '2030-01-01T00:00:00Z'),
)
const junk = fc.oneof(
  number,
  text,
  fc.boolean(),
  fc.constant(null),
  fc.jsonValue({ maxDepth: 20, noUnicodeString: false }),
)

/** Mostly members that some operation knows, mostly of their type. */
const member = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(
      pick('durationMs', 'remainingMs', 'byMs', 'factor', 'windowMs', 'retentionMs', 'ifVersion'),
      number,
    ),
  },
  { weight: 3, arbitrary: fc.tuple(pick('deadline', 'maxDeadline', 'title', 'kind', 'timerId'), text) },
  {
    weight: 2,
    arbitrary: fc.tuple(pick('labels', 'metadata', 'data'), fc.dictionary(fc.string({ maxLength: 6 }), junk)),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(pick('autostart', 'ifAbsent', 'commandId', 'op', '__proto__', 'more'), junk),
  },
)
const object = fc.array(member, { maxLength: 4 }).map((pairs) => Object.fromEntries(pairs) as object)
const command = fc
  .record({ timerId: pick('f1', 'f2', 'f/3'), op: pick(...ops, 'fire') })
  .chain((head) => object.map((body) => ({ ...body, ...head })))
const good = pick<object>(
  { durationMs: 5000, metadata: { a: 1 } },
  { durationMs: 50, autostart: true },
  { byMs: 1000 },
  { factor: 2 },
  { remainingMs: 5 },
  { windowMs: 9000, byMs: 1 },
  { title: 'x', labels: { a: null } },
  { kind: 'k', data: [1] },
  {},
)
const json = fc.oneof(
  { weight: 6, arbitrary: good },
  { weight: 6, arbitrary: object },
  {
    weight: 3,
    arbitrary: fc.array(fc.oneof(command, junk), { maxLength: 5 }).map((commands) => ({ commands })),
  },
  { weight: 1, arbitrary: junk },
)
const bytes = fc.oneof(
  { weight: 8, arbitrary: json.map((value) => Buffer.from(JSON.stringify(value))) },
  // A good text with one byte changed, or cut.
  {
    weight: 3,
    arbitrary: fc.tuple(json, fc.nat(), fc.nat(255), fc.boolean()).map(([value, where, byte, cut]) => {
      const good = Buffer.from(JSON.stringify(value))
      const at = where % Math.max(1, good.length)
      if (cut) return good.subarray(0, at)
      good[at] = byte
      return good
    }),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((all) => Buffer.from(all)) },
)

const id = fc.oneof(
  { weight: 3, arbitrary: pick('f1', 'f2', 'f3') },
  { weight: 1, arbitrary: fc.oneof(pick('a%2Fb', '%', '%ff', '..', '.'), text.map(encodeLoosely)) },
)
interface Target {
  readonly method: string
  readonly path: string
}
const target = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.tuple(pick(...routes), id).map(([{ method, path }, name]): Target => ({
      method,
      path: path.replace(/\{\w+\}/, name),
    })),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      method: pick('GET', 'PUT', 'POST', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY'),
      path: fc.oneof(
        pick('/v1/timers', '/v1/timers/f1', '/v1/timers/f1/fire', '*', '//', '/v1/%'),
        text.map((name) => `/${encodeLoosely(name)}`),
      ),
    }),
  },
)
const parameter = fc.oneof(
  fc.tuple(
    pick(
      'limit',
      'afterVersion',
      'cursor',
      'after',
      'atLeast',
      'label',
      'prefix',
      'state',
      'type',
      'live',
      'more',
    ),
    text,
  ),
  fc.tuple(pick('limit', 'afterVersion', 'waitMs', 'tickMs'), fc.nat(50).map(String)),
)
const query = fc
  .array(parameter, { maxLength: 3 })
  .map((pairs) => pairs.map(([name, value]) => `${name}=${encodeLoosely(value)}`).join('&'))
const headerValue = fc
  .oneof(
    fc.string({ maxLength: 20 }),
    pick('*', '"1"', 'W/"1"', 'application/json', 'text/html', '*/*', 'gzip'),
  )
  .map((value) => value.replaceAll(/[^\t\x20-\x7e]/g, ''))
const headers = fc.dictionary(
  pick(
    'if-match',
    'if-none-match',
    'accept',
    'content-encoding',
    'request-id',
    'x-request-id',
    'origin',
    'idempotency-key',
    'authorization',
    'last-event-id',
    'content-type',
  ),
  headerValue,
  { maxKeys: 2 },
)
const request = fc.record({
  target,
  query: fc.oneof({ weight: 3, arbitrary: fc.constant('') }, { weight: 1, arbitrary: query }),
  headers: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: headers }),
  body: fc.option(bytes, { nil: undefined, freq: 4 }),
})

/** Escaped only where a URL could not be written otherwise, so that broken escapes come through. */
function encodeLoosely(value: string): string {
  return value.toWellFormed().replaceAll(/[^\x21-\x7e]|[#?]/gu, (character) => encodeURIComponent(character))
}

async function stillServes(): Promise<void> {
  assert.equal((await world.api.get('/v1/time')).status, 200)
  assert.deepEqual(errors, [], 'errors in the log')
}

test('a request of any kind gets an answer below 500', { timeout: 110_000 }, async (t) => {
  const pid = world.cluster.service('timer-api').pid
  await fc.assert(
    fc.asyncProperty(request, async ({ target: { method, path }, query, headers, body }) => {
      const reply = await world.api.call(method, query === '' ? path : `${path}?${query}`, {
        headers: { ...headers, ...(body === undefined && { 'content-length': '0' }) },
        ...(body !== undefined && { body }),
      })
      assert.ok(reply.status < 500, `${reply.status} ${reply.text}`)
    }),
    { seed: seedOf(t), numRuns: 2000 },
  )
  await stillServes()
  assert.equal(world.cluster.service('timer-api').pid, pid, 'the same process as before')
})

/** What a socket that sends this and no more is told. */
async function tell(sent: Buffer): Promise<string> {
  const { hostname, port } = new URL(world.api.url)
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
  socket.setTimeout(15_000, () => socket.destroy(new Error('no end came')))
  await once(socket, 'connect')
  socket.end(sent)
  try {
    return await readText(socket)
  } catch (error) {
    // Cut off in the middle of what it sent: as good an end as any other.
    if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') return ''
    throw error
  }
}

const onTheWire = fc
  .tuple(request, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }), fc.nat(1))
  .map(
    ([
      {
        target: { method, path },
        query,
        headers,
        body = Buffer.alloc(0),
      },
      changes,
      chunked,
    ]) => {
      const lines = Object.entries({ host: 'localhost', 'content-type': 'application/json', ...headers }).map(
        ([name, value]) => `${name}: ${value}`,
      )
      const length = chunked ? 'transfer-encoding: chunked' : `content-length: ${body.length}`
      const content = chunked ? [`${body.length.toString(16)}\r\n`, body, '\r\n0\r\n\r\n'] : [body]
      const all = Buffer.concat(
        [`${method} ${path}?${query} HTTP/1.1\r\n${lines.join('\r\n')}\r\n${length}\r\n\r\n`, ...content].map(
          (part) => Buffer.from(part),
        ),
      )
      for (const [at, byte] of changes) all[at % all.length] = byte
      return all
    },
  )

test('bytes of any kind get an answer below 500, or an end', { timeout: 110_000 }, async (t) => {
  await fc.assert(
    fc.asyncProperty(onTheWire, async (sent) => {
      const answer = await tell(sent)
      assert.match(answer, /^(?:HTTP\/1\.1 [1-4]\d\d |$)/)
    }),
    { seed: seedOf(t), numRuns: 1500 },
  )
  await stillServes()
})
