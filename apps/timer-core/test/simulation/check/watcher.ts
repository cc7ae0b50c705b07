// Sees every append leave, every record stored, every partition taken, and holds it against the truth.

import type { LogRecord } from '@timers/shared/log/record.ts'
import type { AppendOutcome } from '../../../src/partition/ports.ts'
import type { CoreNode } from '../machine/core-node.ts'
import type { Machine, Watch } from '../machine/machine.ts'
import { syncedAfterMs, type Stored } from '../machine/stream.ts'
import type { Answers } from './answers.ts'
import { differenceFrom } from './rest.ts'
import type { Truth } from './truth.ts'
import type { Violated } from './violation.ts'

export interface WatcherDeps {
  readonly truth: Truth
  readonly answers: Answers
  readonly add: (who: string, what: string) => void
  readonly violation: Violated
}

export class Watcher implements Watch {
  readonly #deps: WatcherDeps
  readonly counts = new Map<string, number>()

  constructor(deps: WatcherDeps) {
    this.#deps = deps
  }

  sending(node: CoreNode, partition: number, { body }: LogRecord): void {
    if (body.kind !== 'batch') return
    const nowMs = node.clock.nowMs()
    if (body.nowMs > nowMs)
      this.#deps.violation(
        'never early',
        `${node.name} p${partition} judged at ${body.nowMs}, its clock says ${nowMs}`,
      )
  }

  concluded(
    node: CoreNode,
    partition: number,
    record: LogRecord,
    expected: number,
    outcome: AppendOutcome,
  ): void {
    this.#tally(`append ${outcome.kind}`)
    const detail = outcome.kind === 'committed' ? `${outcome.sequence}` : outcome.detail
    this.#deps.add(node.name, `p${partition} ${told(record)} after ${expected}: ${outcome.kind} ${detail}`)
  }

  committed(partition: number, stored: Stored): void {
    const { truth, add } = this.#deps
    const record = truth.committed(partition, stored)
    add(
      'log',
      `p${partition} ${stored.sequence} ${told(record)} of ${record.owner} ${record.term.slice(0, 4)}`,
    )
  }

  cut(partition: number, last: number): void {
    const { truth, answers, add } = this.#deps
    add('log', `p${partition} ends after ${last} now`)
    truth.cut(partition, last)
    answers.cut()
  }

  purged(machine: Machine, partition: number, first: number): void {
    const { truth, add, violation } = this.#deps
    add('log', `p${partition} begins at ${first} now`)
    this.#tally('cut')
    const named = truth.named(partition)
    const onDiskMs = machine.scheduler.nowMs - syncedAfterMs
    const settled = named.findLastIndex(({ atMs }) => atMs <= onDiskMs)
    const before = settled > 0 ? named[settled - 1] : undefined
    const read = machine.readers.least(partition)
    if (before === undefined || first > before.sequence + 1)
      violation('nothing is cut that is needed', `p${partition} begins at ${first}: ${JSON.stringify(named)}`)
    if (first > read + 1)
      violation(
        'nothing is cut that is needed',
        `p${partition} begins at ${first}, and is read up to ${read}`,
      )
  }

  removed({ broker }: Machine, partition: number, sequence: number): void {
    const { first } = broker.stream(partition)
    this.#deps.add('snapshots', `p${partition} ${sequence} is removed`)
    if (sequence >= first - 1)
      this.#deps.violation(
        'nothing is cut that is needed',
        `p${partition} begins at ${first}, and the snapshot at ${sequence} is removed`,
      )
  }

  serving(node: CoreNode, partition: number): void {
    const { truth, add, violation } = this.#deps
    this.#tally('takeover')
    add(node.name, `serves p${partition}`)
    const wrong = differenceFrom(truth, node, partition)
    if (wrong !== undefined) violation('memory is what the log says', wrong)
  }

  failed(error: unknown): void {
    this.#deps.violation(
      'never crashes',
      `A process crashed: ${error instanceof Error ? (error.stack ?? '') : String(error)}`,
    )
  }

  #tally(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }
}

function told({ body }: LogRecord): string {
  if (body.kind !== 'batch') return body.kind
  const events = body.events.map(({ type, timer, cause }) => {
    const by = cause.actor.type === 'clock' ? 'clock' : cause.requestId
    return `${type} ${timer.timerId} v${timer.version} by ${by}`
  })
  return `[${events.join(', ')}]`
}
