// kill -9 of each of the four services, under load.

import { test } from 'node:test'
import { killEach } from './killing.ts'

test('kill -9 of each service in turn', { timeout: 118_000 }, (t) =>
  killEach(t, [
    { name: 'timer-core-1', stops: 'some timers', of: ({ cluster }) => cluster.service('timer-core', 1) },
    { name: 'timer-api', stops: 'commands', of: ({ cluster }) => cluster.service('timer-api') },
    { name: 'ws-gateway', stops: 'nothing', of: ({ cluster }) => cluster.service('ws-gateway') },
    { name: 'persistence', stops: 'nothing', of: ({ cluster }) => cluster.service('persistence') },
  ]),
)
