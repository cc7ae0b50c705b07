import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readArguments, UsageError } from './arguments.ts'
import { commands } from './commands.ts'

/** The task, as JSON has it: without what is undefined. */
function read(...args: string[]): unknown {
  return JSON.parse(JSON.stringify(readArguments(args).task))
}

function faultsOf(...args: string[]): string[] {
  try {
    readArguments(args)
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error))
    return error.message.split('\n').slice(0, -1)
  }
  assert.fail(`no fault in: ${args.join(' ')}`)
}

test('each command asks what the API takes', () => {
  const ask = { kind: 'ask', headers: {} }
  assert.deepEqual(read('put', 'a b', '1h30m'), {
    ...ask,
    method: 'PUT',
    path: '/v1/timers/a%20b',
    body: { durationMs: 5_400_000 },
  })
  const all = [
    '--idle',
    '--new',
    '--title',
    'T',
    '--label',
    'k=v=w',
    '--metadata',
    '{"n":1}',
    '--retention',
    '1d',
  ]
  assert.deepEqual(read('put', 'tea', '5000', ...all, '--if-version', '7'), {
    ...ask,
    method: 'PUT',
    path: '/v1/timers/tea',
    body: {
      durationMs: 5000,
      autostart: false,
      title: 'T',
      labels: { k: 'v=w' },
      metadata: { n: 1 },
      retentionMs: 86_400_000,
    },
    headers: { 'if-match': '"7"', 'if-none-match': '*' },
  })
  const deadline = '2030-01-31T12:00:00Z'
  assert.deepEqual(read('put', 'tea', '--deadline', deadline), {
    ...ask,
    method: 'PUT',
    path: '/v1/timers/tea',
    body: { deadline },
  })
  const post = { ...ask, method: 'POST' }
  for (const verb of ['start', 'pause', 'reset', 'restart'])
    assert.deepEqual(read(verb, 'tea'), { ...post, path: `/v1/timers/tea/${verb}` })
  assert.deepEqual(read('set', 'tea', '5s'), {
    ...post,
    path: '/v1/timers/tea/set',
    body: { remainingMs: 5000 },
  })
  assert.deepEqual(read('set', 'tea', '--deadline', deadline), {
    ...post,
    path: '/v1/timers/tea/set',
    body: { deadline },
  })
  assert.deepEqual(read('multiply', 'tea', '0.5'), {
    ...post,
    path: '/v1/timers/tea/multiply',
    body: { factor: 0.5 },
  })
  assert.deepEqual(read('extend', 'tea', '10s', '--within', '5s', '--max-deadline', deadline), {
    ...post,
    path: '/v1/timers/tea/extend-if-within',
    body: { windowMs: 5000, byMs: 10_000, maxDeadline: deadline },
  })
  assert.deepEqual(read('update', 'tea', '--label', 'a=1', '--remove-label', 'b', '--duration', '1m'), {
    ...ask,
    method: 'PATCH',
    path: '/v1/timers/tea',
    body: { durationMs: 60_000, labels: { a: '1', b: null } },
  })
  assert.deepEqual(read('send', 'tea', 'hello', '"x"'), {
    kind: 'ask',
    method: 'POST',
    path: '/v1/timers/tea/messages',
    body: { kind: 'hello', data: 'x' },
    done: 'sent',
  })
  assert.deepEqual(read('watch', 'a', 'b'), { kind: 'watch', timerIds: ['a', 'b'] })
  assert.deepEqual(read('list', '--label', 'a=1', '--label', 'b=2', '--all'), {
    kind: 'pages',
    of: 'timers',
    path: '/v1/timers',
    query: [
      ['label', 'a:1'],
      ['label', 'b:2'],
      ['limit', '500'],
    ],
    all: true,
    follow: false,
  })
})

test('a negative duration is a word, wherever it stands', () => {
  const expected = { kind: 'ask', method: 'POST', path: '/v1/timers/tea/add', body: { byMs: -10_000 } }
  assert.deepEqual(read('add', 'tea', '-10s'), { ...expected, headers: {} })
  assert.deepEqual(read('add', 'tea', '-10s', '--if-version', '3'), {
    ...expected,
    headers: { 'if-match': '"3"' },
  })
  assert.deepEqual(read('add', '--', 'tea', '-10s'), { ...expected, headers: {} })
})

test('every fault is told, and where to read', () => {
  assert.deepEqual(
    faultsOf('put', 'tea', '5q', '--label', 'z', '--metadata', '{', '--retention', 'x', 'more'),
    [
      '--label must be <key>=<value>: z',
      '<duration> must be a duration, as 90s, 5m, 1h30m, 1500ms or 1500: 5q',
      '--metadata must be JSON (a text has double quotes of its own): {',
      '--retention must be a duration, as 90s, 5m, 1h30m, 1500ms or 1500: x',
      'there is nothing to do with: more',
    ],
  )
  assert.deepEqual(faultsOf('put'), ['<id> is missing', '<duration> is missing'])
  assert.deepEqual(faultsOf('put', 'tea', '5s', '--deadline', 'x'), [
    'give <duration> or --deadline, not both',
  ])
  assert.deepEqual(faultsOf('multiply', 'tea', 'two'), ['<factor> must be a number: two'])
  assert.deepEqual(faultsOf('extend', 'tea', '5s'), ['--within is missing'])
  assert.deepEqual(faultsOf('watch'), ['<id> or --prefix is missing'])
  assert.deepEqual(faultsOf('watch', 'a', '--prefix', 'b'), ['give <id> or --prefix, not both'])
  assert.deepEqual(faultsOf('get', 'tea', '--if-version', '1'), ["Unknown option '--if-version'"])
  assert.deepEqual(faultsOf('get', 'tea', '--url', 'here'), ['--url must be a URL: here'])
  assert.deepEqual(faultsOf('frob'), ['there is no command frob'])
  assert.deepEqual(faultsOf('toString'), ['there is no command toString'])
  assert.deepEqual(faultsOf('events', 'tea', '--follow'), [
    '--type, --prefix and --follow are for all timers',
  ])
})

test('help is there for all and for each', () => {
  const { task } = readArguments([])
  assert.ok(task.kind === 'help')
  for (const [name, { usage }] of Object.entries(commands)) {
    assert.ok(task.text.includes(`  ${usage} `), usage)
    assert.ok(usage.startsWith(name))
    const { task: own } = readArguments([name, '--help'])
    assert.ok(own.kind === 'help' && own.text.includes(usage))
  }
})
