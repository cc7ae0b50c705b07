// What the log says, worked out apart from the code under test, with every record as the broker commits it; and
// what may never be in a log: a version that does not follow, a timer that fires early or twice, a command that is
// done twice or was judged on anything but what the log had before it.

import { isDeepStrictEqual } from 'node:util'
import type { LogRecord, RecordEvent } from '@timers/shared/log/record.ts'
import type { Command } from '@timers/shared/timer/command.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'
import { decodeRecord } from '@timers/shared/wire/record-wire.ts'
import { judge } from '../../../src/timer/judge.ts'
import type { Stored } from '../machine/stream.ts'
import type { Violated } from './violation.ts'

/** What a timer was from one record on: the first of each timer is its absence. */
export interface Standing {
  /** Of the event that made it. */
  readonly version: number
  /** Undefined: there is none. */
  readonly timer: Timer | undefined
  readonly sequence: number
  readonly event: RecordEvent | undefined
}

/** An event of a client's command in the log. */
export interface Deed {
  readonly partition: number
  readonly sequence: number
  readonly event: RecordEvent
  /** Its place among the standings of its timer. */
  readonly at: number
}

interface Log {
  /** Where snapshots were begun that a record names, and when that was stored: true time, newest last. */
  named: { readonly sequence: number; readonly atMs: number }[]
  records: LogRecord[]
  term: string | undefined
  versionFloor: number
}

export class Truth {
  readonly #violation: Violated
  /** By requestId what clients have asked for. */
  readonly asked: ReadonlyMap<string, Command>
  readonly #logs: Log[]
  readonly #timers = new Map<string, { standings: Standing[]; partition: number }>()
  #deeds = new Map<string, Deed[]>()
  readonly #lost: Standing[] = []
  /** Records that did not count. */
  skipped = 0
  fired = 0

  constructor(
    partitionCount: number,
    deps: { readonly violation: Violated; readonly asked: ReadonlyMap<string, Command> },
  ) {
    this.#violation = deps.violation
    this.asked = deps.asked
    this.#logs = Array.from({ length: partitionCount }, emptyLog)
  }

  /** At least one: its absence. */
  standings(tenantId: string, timerId: string): readonly Standing[] {
    return this.#timers.get(`${tenantId}/${timerId}`)?.standings ?? [absence]
  }

  /** Events of the command with this requestId, in the log. */
  deeds(requestId: string): readonly Deed[] {
    return this.#deeds.get(requestId) ?? []
  }

  /** What was in a log once and went with its tail. */
  get lost(): readonly Standing[] {
    return this.#lost
  }

  last(partition: number): number {
    return this.#log(partition).records.length
  }
  versionFloor(partition: number): number {
    return this.#log(partition).versionFloor
  }
  keys(partition: number): string[] {
    return [...this.#timers].filter(([, timer]) => timer.partition === partition).map(([key]) => key)
  }

  /** Snapshots that the log names, newest last. */
  named(partition: number): Log['named'] {
    return this.#log(partition).named
  }

  committed(partition: number, { sequence, bytes, committedAtMs }: Stored): LogRecord {
    const log = this.#log(partition)
    const record = decodeRecord(bytes)
    if (sequence !== log.records.length + 1)
      this.#violation('no holes', `p${partition} has a hole before ${sequence}`)
    log.records.push(record)
    this.#count(partition, log, record, true)
    if (record.body.kind === 'snapshotTaken' && record.term === log.term)
      log.named.push({ sequence: record.body.sequence, atMs: committedAtMs })
    return record
  }

  /** The log ends after `last` now: what it says is worked out anew. */
  cut(partition: number, last: number): void {
    const log = this.#log(partition)
    const records = log.records.slice(0, last)
    for (const timer of this.#timers.values()) {
      if (timer.partition !== partition) continue
      this.#lost.push(...timer.standings.filter(({ sequence }) => sequence > last))
      timer.standings = [absence]
    }
    for (const [requestId, deeds] of this.#deeds) {
      if (deeds[0]?.partition === partition) this.#deeds.delete(requestId)
    }
    const named = log.named.filter((_, i) => i < records.filter(isSnapshot).length)
    Object.assign(log, emptyLog(), { named })
    for (const record of records) {
      log.records.push(record)
      this.#count(partition, log, record, false)
    }
  }

  #log(partition: number): Log {
    const log = this.#logs[partition]
    if (log === undefined) throw new Error(`There is no partition ${partition}`)
    return log
  }

  /** Whether it counts: its term is that of the newest Takeover. */
  #count(partition: number, log: Log, record: LogRecord, isNew: boolean): void {
    const { body, term } = record
    if (body.kind === 'takeover') log.term = term
    else if (term !== log.term) {
      if (isNew) this.skipped += 1
      return
    }
    if (body.kind !== 'batch') return
    const commands = new Set<string>()
    for (const event of body.events) {
      if (isNew) this.#judge(partition, log, event, body.nowMs)
      this.#take(partition, log, event)
      if (event.session !== '') commands.add(event.cause.requestId)
    }
    if (isNew) for (const requestId of commands) this.#oneCommand(requestId, log.records.length, body.nowMs)
  }

  #take(partition: number, log: Log, event: RecordEvent): void {
    const { timer, type } = event
    const key = `${timer.tenantId}/${timer.timerId}`
    let known = this.#timers.get(key)
    if (known === undefined) {
      known = { standings: [absence], partition }
      this.#timers.set(key, known)
    }
    const sequence = log.records.length
    const left = type === 'deleted' ? undefined : timer
    known.standings.push({ version: timer.version, timer: left, sequence, event })
    if (type === 'deleted') log.versionFloor = Math.max(log.versionFloor, timer.version)
    if (event.session === '') return
    const { requestId } = event.cause
    const deed = { partition, sequence, event, at: known.standings.length - 1 }
    const deeds = this.#deeds.get(requestId)
    if (deeds === undefined) this.#deeds.set(requestId, [deed])
    else deeds.push(deed)
  }

  #judge(partition: number, log: Log, event: RecordEvent, nowMs: number): void {
    const { timer, type } = event
    const what = `p${partition} ${log.records.length}: ${type} of ${timer.timerId} v${timer.version}`
    const standings = this.standings(timer.tenantId, timer.timerId)
    const before = standings.at(-1) ?? absence
    const next = (before.timer === undefined ? log.versionFloor : before.version) + 1
    if (timer.version !== next) this.#violation('versions follow', `${what} follows v${next - 1}`)
    if (standings.some(({ version }) => version >= timer.version))
      this.#violation('versions follow', `${what}: the version repeats`)
    const due = before.timer?.state === 'running' && before.timer.deadlineMs <= nowMs
    if (event.cause.actor.type === 'clock') {
      this.fired += 1
      if (before.timer?.state !== 'running')
        this.#violation('fires once', `${what}: it fired and was not running`)
      else if (!due)
        this.#violation('never early', `${what}: it fired early, due ${before.timer.deadlineMs} at ${nowMs}`)
      if (timer.completedBy !== 'fire')
        this.#violation('fires once', `${what}: it fired and is not completed by fire`)
    } else if (due) {
      this.#violation('a due firing comes first', `${what}: it was judged before the firing that was due`)
    }
  }

  /** The events of a command are in one record, and are what the command makes of what the log had before. */
  #oneCommand(requestId: string, sequence: number, nowMs: number): void {
    const deeds = this.deeds(requestId)
    const [first] = deeds
    const command = this.asked.get(requestId)
    if (first === undefined || command === undefined) {
      this.#violation('judged on what the log says', `${requestId} is in the log and nobody asked for it`)
      return
    }
    if (first.sequence !== sequence) {
      this.#violation('done once', `${requestId} was done twice: in ${first.sequence} and ${sequence}`)
      return
    }
    const before = this.standings(command.tenantId, command.timerId)[first.at - 1]
    const floor = first.event.timer.version - 1
    const { events } = judge(before?.timer, command, nowMs, floor, '')
    const made = deeds.map(({ event }) => event.timer)
    if (
      !isDeepStrictEqual(
        made,
        events.map(({ timer }) => timer),
      )
    ) {
      const text = `${JSON.stringify(made)} instead of ${JSON.stringify(events)}`
      this.#violation(
        'judged on what the log says',
        `${requestId} in ${sequence} made something else of the timer: ${text}`,
      )
    }
  }
}

const absence: Standing = { version: 0, timer: undefined, sequence: 0, event: undefined }

const isSnapshot = ({ body }: LogRecord): boolean => body.kind === 'snapshotTaken'

function emptyLog(): Log {
  return { records: [], named: [], term: undefined, versionFloor: 0 }
}
