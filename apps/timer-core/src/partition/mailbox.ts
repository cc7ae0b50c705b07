// Commands that wait for their partition, in the order they came: bounded, and each known by (session, n),
// so that one that is sent again while it waits joins the first instead of standing in line twice.

import type { SentCommand } from '@timers/shared/timer/command.ts'
import type { CommandResult } from '@timers/shared/timer/results.ts'

export interface CommandGroup {
  readonly session: string
  /** Every n of this session and partition below this one may be forgotten. */
  readonly answeredBelow: number
  /** Judged in this order. */
  readonly commands: readonly SentCommand[]
}

export interface GroupOutcome {
  readonly results: readonly { readonly n: number; readonly result: CommandResult }[]
  /** Not taken, because this node does not own the partition (any more): to be sent to the one who does. */
  readonly unanswered: readonly number[]
  /** Its name, where known. */
  readonly owner: string | undefined
  /** One of the unanswered may be in the log all the same: its next owner knows. */
  readonly mayBeDone: boolean
}

/** A group on its way: told once, when each of its commands has a result or is given up. */
export class OpenGroup {
  readonly #results: { n: number; result: CommandResult }[] = []
  readonly #unanswered: number[] = []
  #owner: string | undefined
  #mayBeDone = false
  #open: number
  readonly #done: (outcome: GroupOutcome) => void

  constructor(commands: number, done: (outcome: GroupOutcome) => void) {
    this.#open = commands
    this.#done = done
  }

  answer(n: number, result: CommandResult): void {
    this.#results.push({ n, result })
    this.#settle()
  }

  giveUp(n: number, owner: string | undefined, mayBeDone: boolean): void {
    this.#unanswered.push(n)
    this.#owner = owner ?? this.#owner
    this.#mayBeDone ||= mayBeDone
    this.#settle()
  }

  #settle(): void {
    this.#open -= 1
    if (this.#open > 0) return
    this.#done({
      results: this.#results,
      unanswered: this.#unanswered,
      owner: this.#owner,
      mayBeDone: this.#mayBeDone,
    })
  }
}

/** One command that waits, and whoever waits for its result. */
export class Pending {
  readonly session: string
  readonly command: SentCommand
  /** It was in a batch whose append is not known to have failed: only the log can say "not done". */
  staged = false
  readonly #groups: OpenGroup[]

  constructor(session: string, command: SentCommand, group: OpenGroup) {
    this.session = session
    this.command = command
    this.#groups = [group]
  }

  join(group: OpenGroup): void {
    this.#groups.push(group)
  }

  answer(result: CommandResult): void {
    for (const group of this.#groups) group.answer(this.command.n, result)
  }

  giveUp(owner: string | undefined): void {
    for (const group of this.#groups) group.giveUp(this.command.n, owner, this.staged)
  }
}

export class Mailbox {
  readonly #capacity: number
  #queue: Pending[] = []
  /** Where the queue begins: a shift() for each command of a long queue would copy it each time. */
  #head = 0
  readonly #bySession = new Map<string, Map<number, Pending>>()
  #known = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get waiting(): number {
    return this.#queue.length - this.#head
  }

  /** Waiting or staged. */
  find(session: string, n: number): Pending | undefined {
    return this.#bySession.get(session)?.get(n)
  }

  /** False: full. Staged commands count. */
  push(pending: Pending): boolean {
    if (this.#known >= this.#capacity) return false
    let session = this.#bySession.get(pending.session)
    if (session === undefined) {
      session = new Map()
      this.#bySession.set(pending.session, session)
    }
    session.set(pending.command.n, pending)
    this.#known += 1
    this.#queue.push(pending)
    return true
  }

  /** The next to be judged; it stays known until forget(). */
  shift(): Pending | undefined {
    const pending = this.#queue[this.#head]
    if (pending === undefined) return undefined
    this.#head += 1
    if (this.#head === this.#queue.length) {
      this.#queue = []
      this.#head = 0
    } else if (this.#head >= 4096) {
      this.#queue.splice(0, this.#head)
      this.#head = 0
    }
    return pending
  }

  /** Back to the front, in their order. */
  unshift(pendings: readonly Pending[]): void {
    this.#queue = [...pendings, ...this.#queue.slice(this.#head)]
    this.#head = 0
  }

  /** It has its answer. */
  forget(pending: Pending): void {
    const session = this.#bySession.get(pending.session)
    if (session?.delete(pending.command.n) !== true) return
    this.#known -= 1
    if (session.size === 0) this.#bySession.delete(pending.session)
  }

  /** Takes out all there is, also what is being judged or in an append. */
  takeAll(): Pending[] {
    const all = [...this.#bySession.values()].flatMap((session) => [...session.values()])
    this.#bySession.clear()
    this.#known = 0
    this.#queue = []
    this.#head = 0
    return all
  }

  /** Takes out all that wait and of which `leave` is true. */
  removeWhere(leave: (pending: Pending) => boolean): Pending[] {
    const out: Pending[] = []
    const stay: Pending[] = []
    for (const pending of this.#queue.slice(this.#head)) (leave(pending) ? out : stay).push(pending)
    this.#queue = stay
    this.#head = 0
    for (const pending of out) this.forget(pending)
    return out
  }
}
