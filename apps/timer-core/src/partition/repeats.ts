// Which commands were already taken, by (session, n): so that one that is sent again is not applied again.
// A result is kept until its caller says it has it, or for longer than any command may wait to be staged.
// Nothing is ever evicted for want of room: the caller is refused instead.

import type { SnapshotResult, SnapshotSession } from '@timers/shared/log/snapshot.ts'
import type { EventType } from '@timers/shared/timer/event.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'

/** A command's notAfter is at most 30 s ahead, and 5 s are for clocks that differ. */
export const keptForMs = 35_000

export interface KeptResult {
  readonly type: EventType
  readonly timer: Timer
  readonly sequence: number
  readonly keptUntilMs: number
}

interface Session {
  answeredBelow: number
  /** In the order they were applied, so oldest first. */
  readonly results: Map<number, KeptResult>
  heardAtMs: number
}

export class Repeats {
  readonly #sessions = new Map<string, Session>()
  #size = 0

  /** How many results are kept. */
  get size(): number {
    return this.#size
  }

  find(session: string, n: number): KeptResult | undefined {
    return this.#sessions.get(session)?.results.get(n)
  }

  /** True for a command whose caller has said that it needs no answer any more. */
  wasAnswered(session: string, n: number): boolean {
    return n < (this.#sessions.get(session)?.answeredBelow ?? 0)
  }

  /** `atMs` is the instant of the record. A second event of the same command extends the first: type stays. */
  keep(session: string, n: number, type: EventType, timer: Timer, sequence: number, atMs: number): void {
    if (session === '') return
    const known = this.#session(session, atMs)
    const first = known.results.get(n)
    if (first === undefined) this.#size += 1
    known.results.set(n, { type: first?.type ?? type, timer, sequence, keptUntilMs: atMs + keptForMs })
  }

  answeredBelow(session: string, n: number, nowMs: number): void {
    const known = this.#session(session, nowMs)
    known.heardAtMs = nowMs
    if (n <= known.answeredBelow) return
    known.answeredBelow = n
    // Oldest first, and n grows with time but for re-sends: stop at the first that is still wanted.
    for (const kept of known.results.keys()) {
      if (kept >= n) break
      this.#drop(known, kept)
    }
  }

  restoreSession({ session, answeredBelow, heardAtMs }: SnapshotSession): void {
    const known = this.#session(session, heardAtMs)
    known.answeredBelow = answeredBelow
    known.heardAtMs = heardAtMs
  }
  restoreResult({ session, n, type, sequence, keptUntilMs }: SnapshotResult, timer: Timer): void {
    const { results } = this.#session(session, keptUntilMs - keptForMs)
    if (!results.has(n)) this.#size += 1
    results.set(n, { type, timer, sequence, keptUntilMs })
  }

  *walkSessions(): Generator<SnapshotSession, void, void> {
    for (const [session, { answeredBelow, heardAtMs }] of this.#sessions) {
      yield { session, answeredBelow, heardAtMs }
    }
  }
  /** Results may be added and dropped between two steps. */
  *walkResults(): Generator<{ session: string; n: number; result: KeptResult }, void, void> {
    for (const [session, { results }] of this.#sessions) {
      for (const [n, result] of results) yield { session, n, result }
    }
  }

  /** Call it now and then. */
  forgetExpired(nowMs: number): void {
    for (const [name, session] of this.#sessions) {
      for (const [n, result] of session.results) {
        if (result.keptUntilMs > nowMs) break
        this.#drop(session, n)
      }
      if (session.results.size === 0 && session.heardAtMs + keptForMs < nowMs) this.#sessions.delete(name)
    }
  }

  #session(name: string, nowMs: number): Session {
    let session = this.#sessions.get(name)
    if (session === undefined) {
      session = { answeredBelow: 0, results: new Map(), heardAtMs: nowMs }
      this.#sessions.set(name, session)
    }
    return session
  }

  #drop(session: Session, n: number): void {
    if (session.results.delete(n)) this.#size -= 1
  }
}
