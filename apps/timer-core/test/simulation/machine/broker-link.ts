// A process's connection to the broker: requests with their answers, words that need none. It ends with the broker
// or when it is cut; the next one is another number. What was sent on one that ended may still arrive.

import type { Broker } from './broker.ts'
import { Pipe, type Latency } from './pipe.ts'
import type { SimProcess } from './process.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

export interface BrokerLinkDeps {
  readonly broker: Broker
  readonly process: SimProcess
  readonly scheduler: Scheduler
  readonly random: Random
  /** In the process, whenever there is a connection, and whenever it has ended. */
  readonly opened?: (link: BrokerLink) => void
  readonly closed?: () => void
}

export const usualLatency: Latency = { leastMs: 0.1, mostMs: 1.2 }
const callMs = 1000
/** A connection on which nothing comes any more is given up after so long. */
const noticedMs = { least: 4000, most: 6000 }

export class BrokerLink {
  readonly #deps: BrokerLinkDeps
  #id = 0
  #open = false
  #out: Pipe
  #in: Pipe
  #endBroker: () => void = () => undefined
  #cancelNotice: () => void = () => undefined
  readonly #waiting = new Set<(error: Error) => void>()
  #isCut = false
  #latency = usualLatency
  /** True time at which the replica it reads from stopped following; undefined: it follows. */
  staleSinceMs: number | undefined
  /** How often an answer is lost, a request overtaken by later ones, a reading cut short. */
  readonly mishaps = { lostAnswer: 0, late: 0, short: 0 }

  constructor(deps: BrokerLinkDeps) {
    this.#deps = deps
    this.#out = this.#pipe()
    this.#in = this.#pipe()
  }

  /** 0 while there is none. */
  get id(): number {
    return this.#open ? this.#id : 0
  }

  connect(): void {
    const { process, random, broker } = this.#deps
    // A real client comes back within 100 ms to a second.
    process.clock.after(random.between(5, 400), () => {
      if (this.#open) return
      if (this.#isCut || !broker.up) {
        this.connect()
        return
      }
      this.#id += 1
      this.#open = true
      this.#out = this.#pipe()
      this.#in = this.#pipe()
      this.#endBroker = broker.linked(() => {
        this.reset()
      })
      this.#deps.opened?.(this)
    })
  }

  /** Rejects after a second, or when the connection ends. `serve` runs in the broker. */
  request<T>(serve: (answer: (value: T) => void) => void): Promise<T> {
    const { process, broker, random, scheduler } = this.#deps
    return new Promise((resolve, reject) => {
      if (!this.#open) {
        reject(new Error('There is no connection'))
        return
      }
      const fail = (error: Error): void => {
        this.#waiting.delete(fail)
        cancel()
        reject(error)
      }
      const cancel = process.clock.after(callMs, () => {
        fail(new Error('timeout'))
      })
      this.#waiting.add(fail)
      const back = this.#in
      const arrive = (): void => {
        if (!broker.up) return
        serve((value) => {
          if (random.chance(this.mishaps.lostAnswer)) return
          back.carry(() => {
            process.input(0, () => {
              if (!this.#waiting.delete(fail)) return
              cancel()
              resolve(value)
            })
          })
        })
      }
      if (random.chance(this.mishaps.late)) scheduler.at(scheduler.nowMs + random.between(100, 4000), arrive)
      else this.#out.carry(arrive)
    })
  }

  publish(message: Uint8Array): void {
    const { broker, process } = this.#deps
    if (!this.#open) return
    this.#out.carry(() => {
      if (broker.up) broker.publish(process.name, message)
    })
  }

  /** The connection ends now, and both ends know. What is under way is lost or arrives late. */
  reset(): void {
    if (this.#open) this.#end(new Error('The connection was lost'))
  }

  /** Nothing comes through either way; the process sees it after some seconds. */
  cut(): void {
    if (this.#isCut) return
    this.#isCut = true
    this.#out.hold()
    this.#in.hold()
    const { process, random } = this.#deps
    this.#cancelNotice = process.clock.after(random.between(noticedMs.least, noticedMs.most), () => {
      if (this.#isCut) this.reset()
    })
  }

  heal(): void {
    if (!this.#isCut) return
    this.#isCut = false
    this.#cancelNotice()
    this.#out.release()
    this.#in.release()
  }

  setLatency(latency: Latency): void {
    this.#latency = latency
    this.#out.setLatency(latency)
    this.#in.setLatency(latency)
  }

  #end(error: Error): void {
    this.#open = false
    this.#endBroker()
    const { random, process, closed } = this.#deps
    // The kernel may still hold what was written.
    this.#out.close(random.chance(0.5))
    this.#in.close(false)
    const waiting = [...this.#waiting]
    process.input(0, () => {
      for (const fail of waiting) if (this.#waiting.has(fail)) fail(error)
      closed?.()
      this.connect()
    })
  }

  #pipe(): Pipe {
    const pipe = new Pipe(this.#latency, this.#deps)
    if (this.#isCut) pipe.hold()
    return pipe
  }
}
