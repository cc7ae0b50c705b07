// What clients of the simulated world ask, each question at its time, and what they are told.

import type { Command } from '@timers/shared/timer/command.ts'
import type { GetResult } from '@timers/shared/timer/results.ts'
import type { Answers } from './check/answers.ts'
import type { ApiClient } from './machine/api-client.ts'
import type { Trace } from './machine/trace.ts'
import type { Plan, TimerName } from './scenario.ts'

export interface AskingDeps {
  readonly client: ApiClient
  readonly answers: Answers
  readonly trace: Trace
  /** By requestId every command that was sent. */
  readonly asked: Map<string, Command>
}

export class Asking {
  readonly client: ApiClient
  readonly #answers: Answers
  readonly #trace: Trace
  readonly #asked: Map<string, Command>
  /** By timer the version this client was told last. */
  readonly #seen = new Map<string, number>()

  constructor({ client, answers, trace, asked }: AskingDeps) {
    this.client = client
    this.#answers = answers
    this.#trace = trace
    this.#asked = asked
  }

  async ask(plan: Plan): Promise<void> {
    if (plan.get === undefined) await this.#execute(plan)
    else await this.get(`g${plan.id}`, plan.get.timer, plan.get.waitMs, plan.withinMs)
  }

  async get(name: string, timer: TimerName, waitMs: number, withinMs: number): Promise<GetResult> {
    const question = this.#answers.ask(timer)
    this.#trace.add(this.client.name, `${name} get ${timer.timerId}`)
    const query = { ...timer, waitMs, ...(waitMs > 0 ? { afterVersion: this.#lastSeen(timer) } : {}) }
    const result = await this.client.client.get(query, this.#deadlineMs(withinMs))
    const told = result.ok ? `v${result.timer.version} ${result.timer.state}` : result.refusal.code
    this.#trace.add(this.client.name, `${name}: ${told}`)
    this.#answers.read(question, result)
    if (result.ok) this.#sees(timer, result.timer.version)
    return result
  }

  async #execute(plan: Plan): Promise<void> {
    const sent = this.#commandsOf(plan).map((command) => ({ command, question: this.#answers.ask(command) }))
    for (const { command } of sent) {
      const { requestId, timerId, operation, ifVersion } = command
      this.#asked.set(requestId, command)
      const condition = ifVersion === undefined ? '' : ` if v${ifVersion}`
      const within = `within ${plan.withinMs} ms`
      this.#trace.add(this.client.name, `${requestId} ${operation.op} ${timerId}${condition} ${within}`)
    }
    const commands = sent.map(({ command }) => command)
    const results = await this.client.client.execute(commands, this.#deadlineMs(plan.withinMs))
    for (const [i, { command, question }] of sent.entries()) {
      const result = results[i]
      if (result === undefined) throw new Error(`${command.requestId} has no result`)
      const told = result.ok
        ? `${result.type ?? 'no-op'} v${result.timer.version} in ${result.sequence}`
        : result.refusal.code
      this.#trace.add(this.client.name, `${command.requestId}: ${told}`)
      this.#answers.commanded(question, command, result)
      if (result.ok) this.#sees(command, result.timer.version)
    }
  }

  #commandsOf({ id, commands }: Plan): Command[] {
    const nowMs = Math.floor(this.client.clock.nowMs())
    return commands.map(({ timer, operation, ifSeenPlus, ifAbsent }, i) => ({
      ...timer,
      operation: operation(nowMs),
      actor: { type: 'operator', id: 'local' },
      requestId: `r${id}.${i}`,
      ...(ifSeenPlus === undefined ? {} : { ifVersion: Math.max(1, this.#lastSeen(timer) + ifSeenPlus) }),
      ...(ifAbsent === undefined ? {} : { ifAbsent }),
    }))
  }

  #deadlineMs(withinMs: number): number {
    return Math.floor(this.client.clock.nowMs()) + withinMs
  }

  #lastSeen({ tenantId, timerId }: TimerName): number {
    return this.#seen.get(`${tenantId}/${timerId}`) ?? 0
  }

  #sees({ tenantId, timerId }: TimerName, version: number): void {
    this.#seen.set(`${tenantId}/${timerId}`, version)
  }
}
