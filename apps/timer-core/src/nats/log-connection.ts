// The one connection that the log and the heartbeats go over. It never reconnects by itself: another connection
// is another number, and whoever appended on the one before has to read the log again.

import { setTimeout as sleep } from 'node:timers/promises'
import type { NatsConnection } from '@nats-io/transport-node'
import { backoffMs } from '@timers/shared/backoff.ts'
import type { Logger } from '@timers/shared/logger.ts'
import { connectNats } from '@timers/shared/nats/connect.ts'

export interface LogConnectionOptions {
  readonly servers: readonly string[]
  readonly name: string
}

export interface LogConnectionDeps {
  readonly logger: Logger
  readonly random: () => number
  /** Called with every connection; what it gives is disposed of when that one ends. */
  readonly opened: (connection: NatsConnection) => AsyncDisposable
}

const againMs = { firstMs: 100, mostMs: 1000 }

export class LogConnection implements AsyncDisposable {
  readonly #options: LogConnectionOptions
  readonly #deps: LogConnectionDeps
  readonly #closing = new AbortController()
  readonly #closed = Promise.withResolvers<undefined>()
  #current: NatsConnection | undefined
  #id = 0
  #running: Promise<void> = Promise.resolve()

  constructor(options: LogConnectionOptions, deps: LogConnectionDeps) {
    this.#options = options
    this.#deps = deps
  }

  /** Settles with the first connection; rejects when none is had in the time connectNats takes. */
  async open(): Promise<void> {
    const first = await this.#connect()
    this.#running = this.#keepOpen(first)
  }

  /** 0 while there is none. */
  get id(): number {
    return this.#current === undefined ? 0 : this.#id
  }
  get connection(): NatsConnection | undefined {
    return this.#current
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    this.#closed.resolve(undefined)
    await this.#running
  }

  /** A call, so that it is asked again each time. */
  #isClosing(): boolean {
    return this.#closing.signal.aborted
  }

  async #connect(): Promise<NatsConnection> {
    return connectNats({ ...this.#options, reconnect: false }, { logger: this.#deps.logger })
  }

  async #keepOpen(first: NatsConnection): Promise<void> {
    await this.#serve(first)
    for (let attempt = 0; !this.#isClosing(); attempt += 1) {
      const waitMs = backoffMs(againMs, attempt, this.#deps.random)
      try {
        // Throws when closing.
        await sleep(waitMs, undefined, { signal: this.#closing.signal })
        await this.#serve(await this.#connect())
        attempt = 0
      } catch (error) {
        if (!this.#isClosing()) this.#deps.logger.warn({ error }, 'no connection to the log')
      }
    }
  }

  /** Until the connection ends. */
  async #serve(connection: NatsConnection): Promise<void> {
    if (this.#isClosing()) {
      await connection.close()
      return
    }
    this.#id += 1
    this.#current = connection
    const opened = this.#deps.opened(connection)
    try {
      // Closing says goodbye first, over this very connection.
      const error = await Promise.race([connection.closed(), this.#closed.promise])
      this.#current = undefined
      if (error instanceof Error) this.#deps.logger.warn({ error }, 'the connection to the log is lost')
    } finally {
      await opened[Symbol.asyncDispose]()
      await connection.close()
    }
  }
}
