// POST /v1/commands: many commands in one request, each with its own result; a faulty one does not stop
// the others, and those of one timer are carried out in their order.

import { z } from 'zod'
import type { Refusal } from '@timers/shared/errors.ts'
import { parseCommandItem } from '@timers/shared/schema/command-item.ts'
import type { Command } from '@timers/shared/timer/command.ts'
import type { CommandResult, LogPosition } from '@timers/shared/timer/results.ts'
import { timerJsonText } from '@timers/shared/timer/timer-json.ts'
import type { Answer } from './answer.ts'
import { jsonBody } from './body.ts'
import type { Call } from './call.ts'
import { problemOf } from './problem.ts'
import { route, type Route } from './route.ts'
import type { Services } from './services.ts'
import { positionOf, statusOf } from './timer-routes.ts'

const mostCommands = 1000

const commandsBody = z.strictObject({
  commands: z
    .array(z.unknown().meta({ $ref: '#/components/schemas/Command' }), 'must be a list of commands')
    .max(mostCommands, `must be at most ${mostCommands}`),
})

type CommandsCall = Call<undefined, z.output<typeof commandsBody>>

async function carryOutAll(call: CommandsCall, { core, clock }: Services): Promise<Answer> {
  const { tenantId, actor } = call.caller
  const items = call.body.commands
  const texts = new Array<string>(items.length)
  const commands: Command[] = []
  /** The place of each command among the items. */
  const places: number[] = []
  const nowMs = clock.nowMs()
  for (const [at, item] of items.entries()) {
    const parsed = parseCommandItem(item, nowMs)
    if (parsed.ok) {
      commands.push({ ...parsed.command, tenantId, actor, requestId: call.requestId })
      places.push(at)
    } else {
      const errors = parsed.errors.map((fault) => ({ ...fault, pointer: `/commands/${at}${fault.pointer}` }))
      texts[at] = problemText({ code: parsed.code, detail: parsed.detail, errors }, at, call.requestId)
    }
  }
  const results = commands.length > 0 ? await core.execute(commands, call.deadlineMs) : []
  for (const [i, result] of results.entries()) {
    const at = places[i] ?? 0
    texts[at] = result.ok ? doneText(result) : problemText(result.refusal, at, call.requestId)
  }
  const position = furthest(results)
  return {
    status: 200,
    headers: position === '' ? {} : { position },
    body: `{"results":[${texts.join(',')}]}`,
  }
}

function doneText(result: CommandResult & { ok: true }): string {
  const status = statusOf(result)
  return status === 204 ? '{"status":204}' : `{"status":${status},"timer":${timerJsonText(result.timer)}}`
}

function problemText(refusal: Refusal, at: number, requestId: string): string {
  const problem = problemOf(refusal, `/v1/commands#/commands/${at}`, requestId)
  return JSON.stringify({ status: problem.status, problem })
}

/** Of each partition the furthest position: who waits for it has waited for all before it. */
function furthest(results: readonly CommandResult[]): string {
  const furthest = new Map<number, LogPosition>()
  for (const result of results) {
    if (result.ok && result.sequence > (furthest.get(result.partition)?.sequence ?? -1))
      furthest.set(result.partition, result)
  }
  return [...furthest.values()].map(positionOf).join(',')
}

export const commandRoute: Route = route({
  method: 'POST',
  path: '/v1/commands',
  name: 'executeCommands',
  summary: 'Carry out many commands',
  description:
    'In order for each timer; no atomicity across timers. Each command has its own result, at the same place.',
  scope: 'timers:write',
  body: jsonBody(commandsBody, 1024 * 1024),
  success: [
    { status: 200, description: 'What became of each.', schema: 'CommandResults', headers: ['Position'] },
  ],
  handle: carryOutAll,
})
