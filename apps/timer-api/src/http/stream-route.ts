// GET /v1/stream: served by ws-gateway, told here because clients see one API. Its own test holds it to
// what this row says.

import { z } from 'zod'
import { timerIdPrefix, wholeNumber } from './parameters.ts'
import { timerIdSchema } from '@timers/shared/schema/command-item.ts'
import { route, type Route } from './route.ts'

export const streamRoute: Route = route({
  method: 'GET',
  path: '/v1/stream',
  name: 'streamTimers',
  summary: 'Watch timers by server-sent events',
  description:
    'First `snapshot` events of at most 500 timers each, then `timer`, `deleted`, `tick`, `message`, `stale`, `heartbeat`, `goodbye`. Give `timer` (repeatable) or `prefix`.',
  scope: 'timers:read',
  query: z.strictObject({
    timer: z.array(timerIdSchema).max(100, 'must be at most 100').optional(),
    prefix: timerIdPrefix.optional(),
    tickMs: wholeNumber(1000, 60_000)
      .meta({ type: 'integer', minimum: 1000, maximum: 60_000, multipleOf: 1000 })
      .optional(),
  }),
  success: [{ status: 200, description: 'The stream of events.', mediaType: 'text/event-stream' }],
  refusals: ['quota_exceeded'],
  produces: 'text/event-stream',
})
