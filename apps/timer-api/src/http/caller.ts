// Who is calling: the one seam where authentication will come. Until then everybody on this machine is
// the local operator of the tenant `default`, and nobody else is served.

import type { IncomingMessage } from 'node:http'
import type { Refusal } from '@timers/shared/errors.ts'
import { createLocalOnly } from '@timers/shared/local-only.ts'
import type { Actor } from '@timers/shared/timer/command.ts'

export const scopes = ['timers:read', 'timers:write', 'tokens:mint', 'tenant:admin', 'operator'] as const
export type Scope = (typeof scopes)[number]

export interface Caller {
  readonly tenantId: string
  readonly actor: Actor
  readonly scopes: ReadonlySet<Scope>
}

export type Identify = (request: IncomingMessage) => Caller | Refusal

/** AUTH=off. */
export function createIdentify(options: { behind: string | undefined }): Identify {
  const check = createLocalOnly(options)
  const local: Caller = {
    tenantId: 'default',
    actor: { type: 'operator', id: 'local' },
    scopes: new Set(scopes),
  }
  return ({ headers }) => check(headers) ?? local
}
