// One run: the world of a scenario, its faults, its questions, and at the end a world that is whole and must come to
// rest. What is wrong is in the report.

import { pause } from '@timers/shared/clock.ts'
import type { Command } from '@timers/shared/timer/command.ts'
import { Asking } from './asking.ts'
import { Answers } from './check/answers.ts'
import { mustBeAtRest, mustHaveFired } from './check/rest.ts'
import { Truth } from './check/truth.ts'
import type { Rule, Violated, Violation } from './check/violation.ts'
import { Watcher } from './check/watcher.ts'
import { plantFaults } from './faults.ts'
import { Machine, type Planted } from './machine/machine.ts'
import type { Scenario, TimerName } from './scenario.ts'

export interface Report {
  /** In the order they were found: the first counts, and ends the run. */
  readonly violations: readonly Violation[]
  readonly hash: string
  readonly trace: readonly string[]
  /** How often what happened. */
  readonly counts: ReadonlyMap<string, number>
}

export interface RunOptions {
  readonly planted?: Planted | undefined
  readonly wholeTrace?: boolean
}

/** A GET in a whole world is answered within so long. */
const finalWithinMs = 5000

export async function run(scenario: Scenario, options: RunOptions = {}): Promise<Report> {
  const played = new Run(scenario, options)
  const unhandled = (error: unknown): void => {
    played.violation('never crashes', `A promise was rejected and nobody looked: ${textOf(error)}`)
  }
  process.on('unhandledRejection', unhandled)
  try {
    return await played.play()
  } finally {
    process.off('unhandledRejection', unhandled)
  }
}

class Run {
  readonly #scenario: Scenario
  readonly #machine: Machine
  readonly #violations: Violation[] = []
  readonly #truth: Truth
  readonly #answers: Answers
  readonly #watcher: Watcher
  readonly #asking: readonly Asking[]

  constructor(scenario: Scenario, { planted, wholeTrace = false }: RunOptions) {
    this.#scenario = scenario
    const asked = new Map<string, Command>()
    const violation: Violated = (rule, what) => {
      this.violation(rule, what)
    }
    this.#truth = new Truth(scenario.partitionCount, { violation, asked })
    const truth = this.#truth
    const nowMs = (): number => this.#machine.scheduler.nowMs
    this.#answers = new Answers({ truth, nowMs, violation })
    const answers = this.#answers
    const add = (who: string, what: string): void => {
      this.#machine.trace.add(who, what)
    }
    this.#watcher = new Watcher({ add, truth, answers, violation })
    this.#machine = new Machine(
      { ...scenario, dataId: 'simulated', wholeTrace },
      { watch: this.#watcher, planted },
    )
    const { clients, trace } = this.#machine
    this.#asking = clients.map((client) => new Asking({ client, answers, trace, asked }))
  }

  violation(rule: Rule, what: string): void {
    this.#violations.push({ rule, what })
    this.#machine.trace.add('VIOLATION', `${rule}: ${what}`)
  }

  async play(): Promise<Report> {
    const { chaosMs, calmMs, faults, questions } = this.#scenario
    const { scheduler, trace } = this.#machine
    plantFaults(this.#machine, faults)
    for (const plan of questions) {
      const asking = this.#asking[plan.client]
      scheduler.at(plan.atMs, () => {
        asking?.client.process.input(0, () => void asking.ask(plan))
      })
    }
    const over = (): boolean => this.#violations.length > 0
    await scheduler.run(chaosMs, over)
    trace.add('world', 'is whole')
    await scheduler.run(chaosMs + calmMs, over)
    if (!over()) await this.#end()
    trace.mix(`${scheduler.order}`)
    const counts = new Map([...this.#answers.counts, ...this.#watcher.counts])
    counts.set('fired', this.#truth.fired)
    counts.set('skipped', this.#truth.skipped)
    return { violations: this.#violations, hash: trace.hash, trace: trace.tail, counts }
  }

  /** Everybody is asked about every timer; then owners' memories are held against the log. */
  async #end(): Promise<void> {
    const { scheduler } = this.#machine
    const violation: Violated = (rule, what) => {
      this.violation(rule, what)
    }
    mustHaveFired(this.#machine, this.#truth, violation)
    let open = 0
    for (const asking of this.#asking) {
      for (const timer of this.#scenario.timers) {
        open += 1
        asking.client.process.input(0, () => {
          void this.#read(asking, timer).then((isRead) => {
            open -= 1
            if (!isRead) violation('heals', `${timer.timerId} cannot be read in a world that is whole`)
          })
        })
      }
    }
    await scheduler.run(scheduler.nowMs + 2 * finalWithinMs, () => open === 0 || this.#violations.length > 0)
    if (this.#violations.length > 0) return
    if (open > 0) this.violation('heals', 'A GET in a world that is whole was not answered')
    mustBeAtRest(this.#machine, this.#truth, violation)
    this.#answers.end()
  }

  /** Once more if need be: while a breaker tries a node, all but one are told that it is not available. */
  async #read(asking: Asking, timer: TimerName): Promise<boolean> {
    const { clock } = asking.client
    for (const untilMs = clock.monotonicMs() + finalWithinMs; clock.monotonicMs() < untilMs;) {
      const result = await asking.get('last', timer, 0, finalWithinMs)
      if (result.ok || result.refusal.code !== 'unavailable') return true
      await pause(clock, 250)
    }
    return false
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
