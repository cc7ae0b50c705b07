import assert from 'node:assert/strict'
import test from 'node:test'
import type { Op } from '../timer/command.ts'
import { limits } from '../timer/limits.ts'
import { parseCommandItem } from './command-item.ts'
import { parseOperation } from './operations.ts'

const now = Date.UTC(2030, 0, 1)
const most = limits.durationMs

function operation(op: Op, body: unknown): unknown {
  const parsed = parseOperation(op, body, now)
  assert.ok(parsed.ok, JSON.stringify(parsed))
  return parsed.operation
}

function faults(op: Op, body: unknown): string[] {
  const parsed = parseOperation(op, body, now)
  assert.ok(!parsed.ok, JSON.stringify(parsed))
  return parsed.errors.map((fault) => `${fault.pointer} ${fault.code}`)
}

test('a put has its defaults', () => {
  assert.deepEqual(operation('put', { durationMs: 5 }), {
    op: 'put',
    durationMs: 5,
    autostart: true,
    title: '',
    labels: {},
    metadata: '',
    retentionMs: limits.defaultRetentionMs,
  })
})

test('a deadline becomes milliseconds, rounded up below them', () => {
  const deadlineOf = (deadline: string): unknown =>
    (operation('set', { deadline }) as { deadlineMs: number }).deadlineMs
  assert.equal(deadlineOf('2030-01-01T00:00:00.000Z'), now)
  assert.equal(deadlineOf('2030-01-01T00:00:00Z'), now)
  assert.equal(deadlineOf('2030-01-01T02:00:00.5+02:00'), now + 500)
  assert.equal(deadlineOf('2030-01-01T00:00:00.0010000Z'), now + 1)
  assert.equal(deadlineOf('2030-01-01T00:00:00.0010001Z'), now + 2)
})

test('text that is no RFC 3339 instant is told', () => {
  for (const deadline of [
    '',
    'soon',
    '2030-02-30T00:00:00Z',
    '2030-01-01T00:00:00',
    '2030-01-01T23:59:60Z',
    '2030-01-01',
    `2030-01-01T00:00:00.${'0'.repeat(80)}Z`,
  ]) {
    const [fault] = faults('put', { deadline })
    assert.match(String(fault), /^\/deadline (wrong_format|out_of_range)$/, deadline)
  }
  assert.deepEqual(faults('put', { deadline: 5 }), ['/deadline wrong_type'])
  assert.deepEqual(faults('put', { deadline: '1969-12-31T23:59:59.999Z' }), ['/deadline out_of_range'])
})

test('every limit holds at its edge and not beyond', () => {
  const edges: [Op, (n: number) => object, number, number, string][] = [
    ['put', (durationMs) => ({ durationMs }), 0, most, '/durationMs'],
    ['put', (retentionMs) => ({ durationMs: 1, retentionMs }), 0, most, '/retentionMs'],
    ['put', (length) => ({ durationMs: 1, title: 'x'.repeat(length) }), 0, 200, '/title'],
    [
      'put',
      (n) => ({
        durationMs: 1,
        labels: Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, 'v'])),
      }),
      0,
      16,
      '/labels',
    ],
    ['put', (n) => ({ durationMs: 1, labels: { ['k'.repeat(n)]: 'v' } }), 1, 63, '/labels/*'],
    ['put', (n) => ({ durationMs: 1, labels: { k: 'v'.repeat(n) } }), 0, 128, '/labels/k'],
    ['put', (n) => ({ durationMs: 1, metadata: { m: 'é'.repeat((n - 8) / 2) } }), 8, 4096, '/metadata'],
    [
      'put',
      (n) => ({ durationMs: 1, metadata: { m: n } }),
      -Number.MAX_SAFE_INTEGER,
      Number.MAX_SAFE_INTEGER,
      '/metadata/m',
    ],
    ['put', (n) => ({ durationMs: 1, metadata: nested(n) }), 1, 16, '/metadata*'],
    ['set', (remainingMs) => ({ remainingMs }), 0, most, '/remainingMs'],
    ['add', (byMs) => ({ byMs }), -most, most, '/byMs'],
    ['multiply', (factor) => ({ factor }), 0, Number.MAX_VALUE, '/factor'],
    ['extendIfWithin', (n) => ({ windowMs: n, byMs: 1 }), 0, most, '/windowMs'],
    ['extendIfWithin', (n) => ({ windowMs: 1, byMs: n }), 0, most, '/byMs'],
    ['update', (durationMs) => ({ durationMs }), 0, most, '/durationMs'],
    ['update', (n) => ({ labels: { k: 'v'.repeat(n) } }), 0, 128, '/labels/k'],
  ]
  for (const [op, body, least, greatest, pointer] of edges) {
    operation(op, body(least))
    operation(op, body(greatest))
    const above = op === 'multiply' ? Infinity : pointer === '/metadata' ? greatest + 2 : greatest + 1
    const where = faults(op, body(above)).join()
    assert.ok(where.startsWith(pointer.replace(/\*$/, '')), `${pointer} ${above}: ${where}`)
    if (!['/title', '/labels', '/labels/k', '/metadata', '/metadata*'].includes(pointer)) {
      assert.ok(faults(op, body(least - 1)).length > 0, `${pointer} ${least - 1}`)
    }
  }
  operation('put', { deadline: new Date(now + most).toISOString() })
  assert.deepEqual(faults('put', { deadline: new Date(now + most + 1).toISOString() }), [
    '/deadline out_of_range',
  ])
  assert.deepEqual(faults('set', { deadline: new Date(now + most + 1).toISOString() }), [
    '/deadline out_of_range',
  ])
})

function nested(depth: number): object {
  return depth <= 1 ? {} : { d: nested(depth - 1) }
}

test('every fault is listed, those over several members and unknown members too', () => {
  assert.deepEqual(
    faults('put', {
      durationMs: 1.5,
      deadline: '2030-01-01T00:00:00Z',
      autostart: false,
      title: 5,
      'a/b~': 1,
      labels: { A: 'x', b: 2 },
    }).toSorted(),
    [
      '/autostart not_allowed',
      '/a~1b~0 unknown_field',
      '/deadline not_allowed',
      '/durationMs wrong_type',
      '/labels/A wrong_format',
      '/labels/b wrong_type',
      '/title wrong_type',
    ],
  )
  assert.deepEqual(faults('put', {}), ['/durationMs missing'])
  assert.deepEqual(faults('set', {}), ['/remainingMs missing'])
  assert.deepEqual(faults('extendIfWithin', {}), ['/windowMs missing', '/byMs missing'])
  assert.deepEqual(faults('start', { now: 1 }), ['/now unknown_field'])
  for (const body of [null, 5, 'x', [], true]) assert.deepEqual(faults('put', body), [' wrong_type'])
})

test('only unknown members make unknown_field, anything else makes invalid_value', () => {
  const code = (body: unknown): unknown => {
    const parsed = parseOperation('add', body, now)
    return parsed.ok ? undefined : parsed.code
  }
  assert.equal(code({ byMs: 1, x: 1 }), 'unknown_field')
  assert.equal(code({ byMs: '1', x: 1 }), 'invalid_value')
})

test('numbers that JSON can write and we cannot keep are told', () => {
  assert.deepEqual(faults('put', JSON.parse('{"durationMs":1e400}')), ['/durationMs wrong_type'])
  assert.deepEqual(faults('multiply', JSON.parse('{"factor":1e400}')), ['/factor wrong_type'])
  assert.deepEqual(faults('put', JSON.parse('{"durationMs":1,"metadata":{"a":[1,-1e400]}}')), [
    '/metadata/a/1 out_of_range',
  ])
})

test('half a surrogate pair is refused wherever text is kept', () => {
  assert.deepEqual(faults('put', { durationMs: 1, title: '\ud800' }), ['/title wrong_format'])
  assert.deepEqual(faults('put', { durationMs: 1, labels: { k: '\ud800' } }), ['/labels/k wrong_format'])
  assert.deepEqual(faults('put', { durationMs: 1, metadata: { k: ['\udc00'] } }), [
    '/metadata/k/0 wrong_format',
  ])
  assert.deepEqual(faults('update', { metadata: { '\udc00': 1 } }), ['/metadata/\ufffd wrong_format'])
})

test('a label and a metadata member may be called __proto__', () => {
  const body: unknown = JSON.parse(
    '{"durationMs":1,"labels":{"__proto__":"x"},"metadata":{"__proto__":{"a":1}}}',
  )
  const put = operation('put', body) as { labels: object; metadata: string }
  assert.deepEqual(Object.entries(put.labels), [['__proto__', 'x']])
  assert.equal(put.metadata, '{"__proto__":{"a":1}}')
  assert.deepEqual(faults('put', JSON.parse('{"durationMs":1,"__proto__":{"title":"x"}}')), [
    '/__proto__ unknown_field',
  ])
})

test('a merge patch may remove: title, labels, metadata and their members, not the duration', () => {
  assert.deepEqual(operation('update', { title: null, labels: null, metadata: null }), {
    op: 'update',
    title: '',
    labels: null,
    metadata: null,
  })
  assert.deepEqual(operation('update', { labels: { a: null, b: 'x' }, metadata: { c: null } }), {
    op: 'update',
    labels: { a: null, b: 'x' },
    metadata: { c: null },
  })
  assert.deepEqual(operation('update', {}), { op: 'update' })
  assert.deepEqual(faults('update', { durationMs: null }), ['/durationMs wrong_type'])
  assert.deepEqual(faults('update', { labels: { a: 5 }, metadata: [] }), [
    '/labels/a wrong_type',
    '/metadata wrong_type',
  ])
})

test('faults are listed up to a bound', () => {
  const body = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`x${i}`, 1]))
  assert.equal(faults('start', body).length, 100)
  assert.ok(
    faults('put', { durationMs: 1, metadata: { a: Array<number>(5000).fill(Infinity) } }).length <= 100,
  )
})

test('an item is a command with its envelope', () => {
  const item = (value: unknown): unknown => {
    const parsed = parseCommandItem(value, now)
    return parsed.ok ? parsed.command : parsed.errors.map((fault) => `${fault.pointer} ${fault.code}`)
  }
  assert.deepEqual(item({ timerId: 'a', op: 'resume' }), { timerId: 'a', operation: { op: 'start' } })
  assert.deepEqual(item({ timerId: 'a', op: 'add', byMs: 5, ifVersion: 3 }), {
    timerId: 'a',
    operation: { op: 'add', byMs: 5 },
    ifVersion: 3,
  })
  const put = item({ timerId: 'a', op: 'put', durationMs: 5, ifAbsent: true }) as { ifAbsent: boolean }
  assert.equal(put.ifAbsent, true)
  assert.deepEqual(item({ timerId: 'a/b', op: 'add', byMs: 'x', more: 1, ifVersion: -1 }), [
    '/timerId wrong_format',
    '/ifVersion out_of_range',
    '/byMs wrong_type',
    '/more unknown_field',
  ])
  assert.deepEqual(item({ timerId: 'a', op: 'start', commandId: 'k' }), ['/commandId not_allowed'])
  assert.deepEqual(item({ timerId: 'a', op: 'start', ifAbsent: true }), ['/ifAbsent not_allowed'])
  assert.deepEqual(item({}), ['/timerId missing', '/op missing'])
  assert.deepEqual(item({ timerId: 'a', op: 'fire' }), ['/op not_allowed'])
  assert.deepEqual(item([]), [' wrong_type'])
  assert.deepEqual(item(null), [' wrong_type'])
})

test('a timer id holds its alphabet and length', () => {
  for (const id of ['a', '9', 'a'.repeat(128), 'A.b_c~d-e']) {
    assert.ok(parseCommandItem({ timerId: id, op: 'start' }, now).ok, id)
  }
  for (const id of ['', '.a', '-a', 'a'.repeat(129), 'a/b', 'a b', 'é', 'a\n', '..', 5, null]) {
    assert.ok(!parseCommandItem({ timerId: id, op: 'start' }, now).ok, String(id))
  }
})
