// Messages to viewers: passed on at once, not stored, at most once.

import { z } from 'zod'
import type { Refusal } from '@timers/shared/errors.ts'
import { checkJson } from '@timers/shared/schema/fields.ts'
import type { JsonValue } from '@timers/shared/timer/timer.ts'
import type { Answer } from './answer.ts'
import { jsonBody } from './body.ts'
import type { Call } from './call.ts'
import { route, type Route } from './route.ts'
import type { Services } from './services.ts'

const mostDataBytes = 2048

const messageBody = z.strictObject({
  kind: z
    .string('must be a string')
    .min(1, 'must not be empty')
    .max(32, 'must be at most 32 characters')
    .refine((kind) => kind.isWellFormed(), {
      error: 'has half of a surrogate pair',
      params: { code: 'wrong_format' },
    }),
  data: z
    .custom<JsonValue>((data) => data !== undefined, { error: 'is missing', params: { code: 'missing' } })
    .superRefine((data, context) => {
      checkJson(data, [], 1, context)
    })
    .transform((data) => JSON.stringify(data))
    .refine((text) => Buffer.byteLength(text) <= mostDataBytes, {
      error: `must be at most ${mostDataBytes} bytes of JSON`,
      params: { code: 'out_of_range' },
    }),
})

type MessageCall = Call<undefined, z.output<typeof messageBody>>

const passedOn: Answer = { status: 202 }
const nobody: Refusal = {
  code: 'unavailable',
  detail: 'Viewers cannot be reached at the moment.',
  retryAfterMs: 1000,
}

async function tellTimersViewers(
  call: MessageCall,
  { core, tellViewers }: Services,
): Promise<Answer | Refusal> {
  const { tenantId } = call.caller
  const timerId = call.id
  const found = await core.get({ tenantId, timerId }, call.deadlineMs)
  if (!found.ok) return found.refusal
  return tellViewers({ tenantId, timerId, ...call.body }) ? passedOn : nobody
}

function tellAllViewers(call: MessageCall, { tellViewers }: Services): Answer | Refusal {
  return tellViewers({ tenantId: call.caller.tenantId, ...call.body }) ? passedOn : nobody
}

export const messageRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/timers/{id}/messages',
    name: 'messageTimerViewers',
    summary: "Send a message to a timer's viewers",
    scope: 'timers:write',
    body: jsonBody(messageBody),
    success: [{ status: 202, description: 'It was passed on; who is not there now does not get it.' }],
    refusals: ['not_found'],
    produces: null,
    handle: tellTimersViewers,
  }),
  route({
    method: 'POST',
    path: '/v1/messages',
    name: 'messageAllViewers',
    summary: 'Send a message to all viewers of the tenant',
    scope: 'tenant:admin',
    body: jsonBody(messageBody),
    success: [{ status: 202, description: 'It was passed on; who is not there now does not get it.' }],
    produces: null,
    handle: tellAllViewers,
  }),
]
