// One command as /v1/commands and the socket take it: which timer, which operation, on what condition,
// and beside them the operation's own members.

import { z } from 'zod'
import { ops, type Command, type Op } from '../timer/command.ts'
import { limits } from '../timer/limits.ts'
import { faultsOf, type BodyFault } from './faults.ts'
import { isObject } from './fields.ts'
import { parseFailure, parseOperation, type ParseFailure } from './operations.ts'

export const timerIdSchema = z
  .string('must be a string')
  .regex(limits.timerId, 'a timer id is 1 to 128 of A-Z a-z 0-9 . _ ~ -, the first a letter or digit')

export const versionSchema = z.int('must be an integer').min(0, 'must be 0 or more')

/** Names of operations, `resume` being another spelling of `start`. */
export const opNames = [...ops, 'resume'] as const
const opOf = (name: (typeof opNames)[number]): Op => (name === 'resume' ? 'start' : name)

export const commandEnvelope = z.strictObject({
  timerId: timerIdSchema,
  op: z.enum(opNames, `must be one of ${opNames.join(', ')}`),
  ifVersion: versionSchema.optional(),
  ifAbsent: z.boolean('must be true or false').optional(),
})

/** A command without who sends it. */
export type ParsedCommand = Pick<Command, 'timerId' | 'operation' | 'ifVersion' | 'ifAbsent'>
export type ParsedItem = { readonly ok: true; readonly command: ParsedCommand } | ParseFailure

/** `item`: parsed JSON. `nowMs`: cluster time. */
export function parseCommandItem(item: unknown, nowMs: number): ParsedItem {
  if (!isObject(item)) {
    return parseFailure([{ pointer: '', code: 'wrong_type', detail: 'must be an object' }], 'The command')
  }
  const { timerId, op, commandId, ifVersion, ifAbsent, ...fields } = item
  const given = { timerId, op, ifVersion, ifAbsent }
  const envelope = commandEnvelope.safeParse(given)
  const faults: BodyFault[] = envelope.success ? [] : faultsOf(envelope.error, given)
  // Ids that make a repeat harmless are not built: silently taken, one would promise what nobody keeps.
  if (commandId !== undefined) {
    faults.push({ pointer: '/commandId', code: 'not_allowed', detail: 'command ids are not supported' })
  }
  const name = commandEnvelope.shape.op.safeParse(op)
  if (!name.success) return parseFailure(faults, 'The command')
  if (ifAbsent === true && name.data !== 'put') {
    faults.push({ pointer: '/ifAbsent', code: 'not_allowed', detail: 'is for put only' })
  }
  const body = parseOperation(opOf(name.data), fields, nowMs)
  if (!body.ok) faults.push(...body.errors)
  if (!envelope.success || !body.ok || faults.length > 0) return parseFailure(faults, 'The command')
  return {
    ok: true,
    command: {
      timerId: envelope.data.timerId,
      operation: body.operation,
      ...(envelope.data.ifVersion !== undefined && { ifVersion: envelope.data.ifVersion }),
      ...(envelope.data.ifAbsent !== undefined && { ifAbsent: envelope.data.ifAbsent }),
    },
  }
}
