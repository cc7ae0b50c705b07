// A client's own record of what it asked for and what it was told: the measure of what the service keeps. Every
// request has an id of its own, so that the log tells exactly what became of it. One timer has one request at a time.

import { isDeepStrictEqual } from 'node:util'
import type { TimerJson } from '@timers/shared/timer/timer-json.ts'
import { call, type Answer } from './world.ts'

export type LedgerOp = 'put' | 'add' | 'pause' | 'start' | 'delete'

export type Outcome =
  /** It is durable. `timer`: as it was told; a deletion tells none. Of one among many no position is told. */
  | { readonly kind: 'done'; readonly timer: TimerJson | undefined; readonly position: string | undefined }
  /** Nothing was done. */
  | { readonly kind: 'refused'; readonly status: number; readonly code: string }
  /** No answer, or one that says so: it may have been done. */
  | { readonly kind: 'unknown'; readonly why: string }

export interface Entry {
  readonly requestId: string
  readonly timerId: string
  readonly op: LedgerOp
  readonly outcome: Outcome
}

/** What a read of a timer must know of at least. */
interface Known {
  version: number
  /** Undefined: it is deleted, or was only read. */
  timer: TimerJson | undefined
  deleted: boolean
  /** Until then (performance.now()) something that was asked for may yet be done. */
  unsureUntilMs: number
}

/** A command is done within so long of its sending, or never. */
const doneWithinMs = 30_000

export class Ledger {
  readonly entries: Entry[] = []
  /** Reads that told less than was known before they were asked. */
  readonly stale: string[] = []
  reads = 0
  readonly #url: string
  readonly #known = new Map<string, Known>()
  #requests = 0

  constructor(options: { readonly url: string }) {
    this.#url = options.url
  }

  async send(timerId: string, op: LedgerOp, body?: unknown): Promise<Outcome> {
    const requestId = this.#nextId()
    const path = `/v1/timers/${timerId}${op === 'put' || op === 'delete' ? '' : `/${op}`}`
    const method = op === 'put' ? 'PUT' : op === 'delete' ? 'DELETE' : 'POST'
    let outcome: Outcome
    try {
      outcome = outcomeOf(await call(this.#url, method, path, body, { 'request-id': requestId }))
    } catch (error) {
      outcome = { kind: 'unknown', why: String(error) }
    }
    this.#enter({ requestId, timerId, op, outcome })
    return outcome
  }

  /** The same put of each of these timers, in one request. */
  async putMany(timerIds: readonly string[], put: object): Promise<readonly Outcome[]> {
    const requestId = this.#nextId()
    const commands = timerIds.map((timerId) => ({ timerId, op: 'put', ...put }))
    let outcomes: readonly Outcome[]
    try {
      const answer = await call(this.#url, 'POST', '/v1/commands', { commands }, { 'request-id': requestId })
      const { results } = answer.body as { readonly results?: readonly BatchResult[] }
      outcomes = results?.map(outcomeOfOne) ?? timerIds.map(() => outcomeOf(answer))
    } catch (error) {
      outcomes = timerIds.map(() => ({ kind: 'unknown', why: String(error) }))
    }
    for (const [i, outcome] of outcomes.entries())
      this.#enter({ requestId, timerId: timerIds[i] ?? '', op: 'put', outcome })
    return outcomes
  }

  /** Reads a timer that nobody else changes meanwhile, and holds the answer to what is known of it. */
  async read(timerId: string): Promise<void> {
    const known = this.#known.get(timerId)
    let answer: Answer
    try {
      answer = await call(this.#url, 'GET', `/v1/timers/${timerId}`)
    } catch {
      return
    }
    const { status, body } = answer
    if (known === undefined || (status !== 200 && status !== 404)) return
    this.reads += 1
    const timer = status === 200 ? (body as TimerJson) : undefined
    if (isStale(timer, known))
      this.stale.push(`GET ${timerId}: ${status} ${JSON.stringify(body)}, known: ${JSON.stringify(known)}`)
    else if (timer !== undefined && timer.version > known.version)
      Object.assign(known, { version: timer.version, timer })
  }

  get done(): number {
    return this.entries.filter(({ outcome }) => outcome.kind === 'done').length
  }

  /** How often each answer was given. */
  summary(): string {
    const words = this.entries.map(({ outcome }) =>
      outcome.kind === 'refused' ? outcome.code : outcome.kind,
    )
    const counts = Object.entries(Object.groupBy(words, (word) => word))
    return counts.map(([word, all]) => `${all?.length ?? 0} ${word}`).join(', ')
  }

  #nextId(): string {
    this.#requests += 1
    return `ledger-${this.#requests}`
  }

  #enter(entry: Entry): void {
    this.entries.push(entry)
    const { timerId, outcome } = entry
    const known = this.#known.get(timerId) ?? {
      version: 0,
      timer: undefined,
      deleted: true,
      unsureUntilMs: 0,
    }
    if (outcome.kind === 'unknown') known.unsureUntilMs = performance.now() + doneWithinMs
    if (outcome.kind === 'done') {
      const { timer } = outcome
      known.version = timer?.version ?? known.version + 1
      known.timer = timer
      known.deleted = timer === undefined
    }
    this.#known.set(timerId, known)
  }
}

function isStale(told: TimerJson | undefined, { version, timer, deleted, unsureUntilMs }: Known): boolean {
  const unsure = performance.now() < unsureUntilMs
  if (told === undefined) return !deleted && !unsure
  if (deleted) return !unsure
  return told.version < version || (told.version === version && !isDeepStrictEqual(told, timer))
}

interface BatchResult {
  readonly status: number
  readonly timer?: TimerJson
  readonly problem?: { readonly code: string }
}

function outcomeOf({ status, headers, body }: Answer): Outcome {
  if (status < 300) {
    return { kind: 'done', timer: body as TimerJson | undefined, position: headers.get('position') ?? '' }
  }
  const { code } = body as { readonly code: string }
  return code === 'outcome_unknown' ? { kind: 'unknown', why: code } : { kind: 'refused', status, code }
}

function outcomeOfOne({ status, timer, problem }: BatchResult): Outcome {
  if (status < 300) return { kind: 'done', timer, position: undefined }
  const code = problem?.code ?? ''
  return code === 'outcome_unknown' ? { kind: 'unknown', why: code } : { kind: 'refused', status, code }
}
