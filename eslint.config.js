// One library, one room. The two tables are the architecture; what follows them is mechanics.
import js from '@eslint/js'
import { defineConfig } from 'eslint/config'
import ts from 'typescript-eslint'

// What an import starts with → the folders or files that may have it.
const rooms = {
  express: ['http/**'],
  ws: ['ws/**', 'timer-cli.ts'],
  '@grpc/': ['grpc/**'],
  'grpc-health-check': ['grpc/**'],
  '@nats-io/': ['nats/**'],
  mongodb: ['mongo/**'],
  'mongodb-memory-server-core': ['provision.ts'],
  '@bufbuild/': ['wire/**'],
  '@timers/proto/': ['wire/**', 'grpc/**', 'nats/**'],
  zod: ['schema/**', 'http/**', 'ws/**', 'config.ts'],
  pino: ['logger.ts'],
  'prom-client': ['metrics.ts', 'ops-server.ts'],
  'http-proxy-3': ['front-door.ts'],
}
const ideas =
  '**/src/{timer,deadline,partition,placement,ticks,projection,fanout,cluster,log,snapshot}/**/*.ts'
const notAnIdea = [
  String.raw`^(?!\.\.?/|@timers/shared/(timer/|cluster/|log/|partition-of\.ts$|clock\.ts$|errors\.ts$|backoff\.ts$))`,
  '/(http|ws|grpc|nats|mongo|file|wire)/',
]

const handedIn = [
  'globalThis',
  'Date',
  'performance',
  'process',
  'console',
  'crypto',
  'fetch',
  'setTimeout',
  'setInterval',
  'setImmediate',
]
const tests = ['**/*.{test,bench}.ts', '**/test/**', 'e2e/**']

const may = (place) => ({
  'no-restricted-imports': [
    'error',
    {
      patterns: Object.entries(rooms)
        .filter(([, places]) => !places.includes(place))
        .map(([name, places]) => ({
          regex: `^${name}${name.endsWith('/') ? '' : '(/|$)'}`,
          message: `${name} lives in ${places.join(', ')}.`,
        })),
    },
  ],
})

export default defineConfig(
  { ignores: ['**/gen/**', '**/*.{js,mjs}', '.data/**'] },
  {
    files: ['**/*.ts'],
    extends: [js.configs.recommended, ts.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
  },
  {
    files: ['**/*.ts'],
    rules: {
      ...may('elsewhere'),
      'max-lines': ['error', { max: 250, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'exit', message: 'Release everything; let the loop empty.' },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'ImportExpression', message: 'A file shows at its top what it knows.' },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
    },
  },
  ...[...new Set(Object.values(rooms).flat())].map((place) => ({
    files: [`**/${place}`],
    rules: may(place),
  })),
  {
    files: [ideas],
    ignores: tests,
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: notAnIdea.map((regex) => ({ regex, message: 'An idea imports only ideas.' })) },
      ],
      'no-restricted-globals': ['error', ...handedIn.map((name) => ({ name, message: 'Hand it in.' }))],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Hand it in.' },
        { object: 'process', property: 'exit', message: 'Release everything; let the loop empty.' },
      ],
    },
  },
  {
    files: tests,
    rules: {
      'no-restricted-imports': 'off',
      'max-lines-per-function': 'off',
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['test', 'describe', 'it'] },
          ],
        },
      ],
    },
  },
)
