// What clients were told, held against the log: each answer must have been true at some instant between its question
// and itself, and no answer may know less of a timer than one that was there before its question. A timer's versions
// order everything that happens to it, so that is all of linearizability.

import { isDeepStrictEqual } from 'node:util'
import type { ErrorCode } from '@timers/shared/errors.ts'
import type { Command } from '@timers/shared/timer/command.ts'
import type { CommandResult, GetResult } from '@timers/shared/timer/results.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'
import { table } from '../../../src/timer/table.ts'
import { epochMs } from '../machine/process.ts'
import type { Standing, Truth } from './truth.ts'
import type { Violated } from './violation.ts'

/** A question under way. */
export interface Question {
  readonly tenantId: string
  readonly timerId: string
  readonly askedAtMs: number
  /** The newest standing of the timer that anybody had been told of. */
  readonly known: number
}

type Asked = { readonly tenantId: string; readonly timerId: string }

/** By so much an owner's clock may be behind true time, steps of the broker's included. */
const clocksApartMs = 5000
/** An owner that has lost its tail may answer from it for so long at most after its last append. */
const lostTailMs = 3000

export class Answers {
  readonly #truth: Truth
  readonly #nowMs: () => number
  readonly #violation: Violated
  readonly #told = new Map<string, number>()
  readonly #notDone = new Map<string, string>()
  #cutAtMs = -Infinity
  readonly counts = new Map<string, number>()

  constructor(deps: { readonly truth: Truth; readonly nowMs: () => number; readonly violation: Violated }) {
    this.#truth = deps.truth
    this.#nowMs = deps.nowMs
    this.#violation = deps.violation
  }

  ask({ tenantId, timerId }: Asked): Question {
    const known = this.#told.get(`${tenantId}/${timerId}`) ?? 0
    return { tenantId, timerId, askedAtMs: this.#nowMs(), known }
  }

  /** Nobody can be held to what was lost. */
  cut(): void {
    this.#cutAtMs = this.#nowMs()
    for (const key of this.#told.keys()) {
      const [tenantId = '', timerId = ''] = key.split('/')
      const newest = this.#truth.standings(tenantId, timerId).length - 1
      this.#told.set(key, Math.min(newest, this.#told.get(key) ?? 0))
    }
  }

  read(question: Question, result: GetResult): void {
    this.#tally(result.ok ? 'found' : result.refusal.code)
    if (result.ok)
      this.#mustHaveBeen(question, 'a GET', (standing) => isThis(standing, result.timer), result.timer)
    else this.#refusedRead(question, result.refusal.code)
  }

  commanded(question: Question, command: Command, result: CommandResult): void {
    this.#tally(result.ok ? (result.type === null ? 'no-op' : 'done') : result.refusal.code)
    const what = `${command.operation.op} ${command.requestId}`
    if (!result.ok) this.#refused(question, command, result.refusal.code)
    else if (result.type === null) this.#noOp(question, command, result.timer)
    else this.#done(question, what, command, result)
  }

  /** Nothing comes any more: what was said not to be done is not. */
  end(): void {
    for (const [requestId, code] of this.#notDone) {
      const [deed] = this.#truth.deeds(requestId)
      if (deed !== undefined)
        this.#violation(
          'refused means not done',
          `${requestId} was refused (${code}) and is in ${deed.sequence}`,
        )
    }
  }

  #done(
    question: Question,
    what: string,
    { requestId }: Command,
    result: Extract<CommandResult, { readonly ok: true }>,
  ): void {
    const deeds = this.#truth.deeds(requestId)
    const [first] = deeds
    const last = deeds.at(-1)
    if (first === undefined || last === undefined) {
      const wasLost = this.#truth.lost.some(({ event }) => event?.cause.requestId === requestId)
      if (!wasLost)
        this.#violation('acknowledged means in the log', `${what} was acknowledged and is not in the log`)
      return
    }
    const { sequence, event } = last
    if (result.sequence !== sequence || result.type !== first.event.type)
      this.#violation(
        'acknowledged means in the log',
        `${what} was told ${result.type ?? ''} in ${result.sequence}, it is ${first.event.type} in ${sequence}`,
      )
    if (!isDeepStrictEqual(result.timer, event.timer))
      this.#violation(
        'acknowledged means in the log',
        `${what} was told of another timer: ${differing(result.timer, event.timer)}`,
      )
    this.#tell(question, last.at)
  }

  #noOp(question: Question, { operation, requestId }: Command, timer: Timer): void {
    const { op } = operation
    const cell = table[timer.state][op]
    const may = cell === 'no-op' || ['set', 'add', 'multiply', 'extendIfWithin', 'update'].includes(op)
    if (!may)
      this.#violation(
        'linearizable per timer',
        `${op} ${requestId} changed nothing of a timer that is ${timer.state}`,
      )
    this.#notDone.set(requestId, 'no-op')
    this.#mustHaveBeen(question, `${op} ${requestId}, a no-op,`, (standing) => isThis(standing, timer), timer)
    if (timer.state === 'running' && timer.deadlineMs < epochMs + question.askedAtMs - clocksApartMs)
      this.#violation(
        'a due firing comes first',
        `${op} ${requestId} was judged before the firing that was due`,
      )
  }

  #refused(question: Question, command: Command, code: ErrorCode): void {
    const { requestId, operation } = command
    if (code === 'outcome_unknown') return
    this.#notDone.set(requestId, code)
    const what = `${operation.op} ${requestId}, refused as ${code},`
    this.#mustHaveBeen(question, what, ({ timer }) => couldRefuse(code, command, timer), undefined)
  }

  #refusedRead(question: Question, code: ErrorCode): void {
    if (code === 'unavailable') return
    this.#mustHaveBeen(
      question,
      `a GET, refused as ${code},`,
      ({ timer }) => code === 'not_found' && timer === undefined,
      undefined,
    )
  }

  /** Some standing that `could` be it, not older than what was known and not newer than now. */
  #mustHaveBeen(
    question: Question,
    what: string,
    could: (standing: Standing) => boolean,
    told: Timer | undefined,
  ): void {
    const { tenantId, timerId, known } = question
    // What it knew may be of what was lost meanwhile.
    if (question.askedAtMs <= this.#cutAtMs) return
    const standings = this.#truth.standings(tenantId, timerId)
    const at = standings.findIndex((standing, i) => i >= known && could(standing))
    if (at >= 0) {
      this.#tell(question, at)
      return
    }
    const lost = this.#truth.lost.some(
      ({ timer, event }) =>
        event?.timer.timerId === timerId && (told === undefined || timer?.version === told.version),
    )
    if (lost && question.askedAtMs < this.#cutAtMs + lostTailMs) return
    const is = told === undefined ? '' : ` v${told.version} ${told.state}`
    const range = `v${standings[known]?.version ?? 0} to v${standings.at(-1)?.version ?? 0}`
    const old = standings.some(could) ? 'it was true before' : 'it was never true'
    this.#violation('linearizable per timer', `${what} of ${timerId} was told${is}; it knew ${range}: ${old}`)
  }

  #tell({ tenantId, timerId }: Question, at: number): void {
    const key = `${tenantId}/${timerId}`
    this.#told.set(key, Math.max(at, this.#told.get(key) ?? 0))
  }

  #tally(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }
}

/** Whether this command can be refused so while the timer is this. */
function couldRefuse(
  code: ErrorCode,
  { operation, ifVersion, ifAbsent }: Command,
  timer: Timer | undefined,
): boolean {
  if (code === 'not_found') return timer === undefined
  if (code === 'version_mismatch') return ifVersion !== undefined && timer?.version !== ifVersion
  if (code === 'already_exists') return ifAbsent === true && timer !== undefined
  if (code === 'wrong_state') return timer !== undefined && table[timer.state][operation.op] === code
  return code === 'unavailable' || code === 'log_full' || code === 'invalid_value'
}

function isThis({ version, timer }: Standing, told: Timer): boolean {
  return version === told.version && isDeepStrictEqual(timer, told)
}

function differing(told: Timer, is: Timer): string {
  return `${JSON.stringify(told)} instead of ${JSON.stringify(is)}`
}
