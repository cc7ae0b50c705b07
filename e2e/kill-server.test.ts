// kill -9 of nats-server and of mongod, under load.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { killEach } from './killing.ts'

test('kill -9 of each server in turn', { timeout: 118_000 }, (t) =>
  killEach(t, [
    { name: 'nats-server', stops: 'all', of: ({ cluster }) => present(cluster.nats) },
    { name: 'mongod', stops: 'nothing', of: ({ cluster }) => present(cluster.mongod) },
  ]),
)

function present<T>(value: T | undefined): T {
  assert.ok(value)
  return value
}
