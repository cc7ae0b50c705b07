// What a node answers to messages about its partitions: reads them, finds the partition, writes what it says;
// decides nothing. A partition this node does not serve is answered with NotOwner and the name of who should.
// Knows no gRPC.

import type {
  CommandGroup,
  GetRequest,
  GetResponse,
  GroupResult,
  ScanPage,
} from '@timers/proto/timers/core/v1/core.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import type { Selection } from '@timers/shared/timer/results.ts'
import {
  commandFromWire,
  getResultToWire,
  resultToWire,
  scanPageToWire,
} from '@timers/shared/wire/command-wire.ts'
import { WireError } from '@timers/shared/wire/wire-error.ts'
import type { GroupOutcome } from '../partition/mailbox.ts'
import type { Host } from '../placement/host.ts'

export interface CoreFaceDeps {
  readonly host: Host
  readonly partitionCount: number
}

/** `done` is called once. Throws a WireError, and then nothing of the group is taken. */
export function submit(group: CommandGroup, deps: CoreFaceDeps, done: (result: GroupResult) => void): void {
  const { session, answeredBelow } = group
  const commands = group.commands.map(commandFromWire)
  for (const { tenantId, timerId } of commands) {
    // In a log that is not its own it would be a damage that no replay gets over.
    if (partitionOf(tenantId, timerId, deps.partitionCount) !== group.partition)
      throw new WireError('command.timerId', `does not belong to partition ${group.partition}`)
  }
  const partition = deps.host.partition(group.partition)
  if (partition === undefined) {
    const unanswered = commands.map(({ n }) => n)
    done(
      toResult(group, { results: [], unanswered, owner: deps.host.named(group.partition), mayBeDone: false }),
    )
    return
  }
  partition.submit({ session, answeredBelow, commands }, (outcome) => {
    done(toResult(group, outcome))
  })
}

function toResult({ partition, session }: CommandGroup, outcome: GroupOutcome): GroupResult {
  const { unanswered, owner, mayBeDone } = outcome
  return {
    partition,
    session,
    results: outcome.results.map(({ n, result }) => resultToWire(n, result)),
    notOwner: unanswered.length > 0 ? { to: owner ?? '' } : undefined,
    unanswered: [...unanswered],
    mayBeDone,
  }
}

export async function get(request: GetRequest, deps: CoreFaceDeps): Promise<GetResponse> {
  const { tenantId, timerId, afterVersion, waitMs } = request
  const number = partitionOf(tenantId, timerId, deps.partitionCount)
  const outcome = await deps.host.partition(number)?.get({ tenantId, timerId, afterVersion, waitMs })
  switch (outcome?.kind) {
    case 'found':
      return getResultToWire({
        ok: true,
        timer: outcome.timer,
        partition: number,
        sequence: outcome.sequence,
      })
    case 'refused':
      return getResultToWire({
        ok: false,
        refusal: outcome.refusal,
        partition: number,
        sequence: outcome.sequence,
      })
    case 'notOwner':
    case undefined: {
      const to = outcome?.owner ?? deps.host.named(number) ?? ''
      return { code: '', detail: '', timer: undefined, sequence: 0, retryAfterMs: 0, notOwner: { to } }
    }
  }
}

/** The pages of one partition; the only one says so when this node does not serve it. */
export async function* scan(
  tenantId: string,
  partition: number,
  selection: Selection,
  { host }: Pick<CoreFaceDeps, 'host'>,
): AsyncGenerator<ScanPage, void, void> {
  const pages = await host.partition(partition)?.scan(tenantId, selection)
  if (pages === undefined) {
    const to = host.named(partition) ?? ''
    yield { partition, sequence: 0, term: '', timers: [], more: false, notOwner: { to } }
    return
  }
  for (const page of pages) yield scanPageToWire(page)
}
