// A wire between one process and a server: it can be cut, held in either direction, half closed, and made slow. What
// goes over it arrives whole and in order or not at all, as with TCP.

import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

export type Direction = 'up' | 'down'

export interface WireOptions {
  /** Of the server, on 127.0.0.1. */
  readonly to: number
  /** Where it listens; any free port of 127.0.0.1 by default. */
  readonly host?: string
  readonly port?: number
}

interface Way {
  readonly from: Socket
  readonly to: Socket
  readonly direction: Direction
  /** When the last bytes were, or will be, passed on. */
  passedAtMs: number
}

export class Wire implements AsyncDisposable {
  readonly #server: Server
  readonly #random: () => number
  readonly #ways = new Set<Way>()
  readonly #held = new Set<Direction>()
  #whole = true
  #slowMs = 0

  private constructor({ to }: WireOptions, random: () => number) {
    this.#random = random
    this.#server = createServer({ allowHalfOpen: true }, (near) => {
      if (!this.#whole) {
        near.on('error', () => undefined).resetAndDestroy()
        return
      }
      this.#join(near, connect({ port: to, host: '127.0.0.1', allowHalfOpen: true }))
    })
  }

  static async start(options: WireOptions, deps: { readonly random: () => number }): Promise<Wire> {
    const wire = new Wire(options, deps.random)
    wire.#server.listen(options.port ?? 0, options.host ?? '127.0.0.1')
    await once(wire.#server, 'listening')
    return wire
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Resets what is connected, and refuses what comes, until mend(). */
  cut(): void {
    this.#whole = false
    this.reset()
  }

  /** Resets what is connected now. */
  reset(): void {
    for (const { from } of this.#ways) from.resetAndDestroy()
  }

  /** What is said in this direction does not arrive, and nobody is told, until mend(). */
  hold(direction: Direction): void {
    this.#held.add(direction)
    for (const way of this.#ways) if (way.direction === direction) way.from.pause()
  }

  /** What is connected now is ended in this direction only. */
  halfClose(direction: Direction): void {
    for (const way of this.#ways) if (way.direction === direction) way.to.end()
  }

  /** All takes up to so long, until mend(). */
  slow(mostMs: number): void {
    this.#slowMs = mostMs
  }

  mend(): void {
    this.#whole = true
    this.#slowMs = 0
    this.#held.clear()
    for (const { from } of this.#ways) from.resume()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }

  #join(near: Socket, far: Socket): void {
    for (const [from, to, direction] of [
      [near, far, 'up'],
      [far, near, 'down'],
    ] as const) {
      const way: Way = { from, to, direction, passedAtMs: 0 }
      this.#ways.add(way)
      from.setNoDelay(true)
      from.on('data', (bytes) => {
        this.#pass(way, () => to.write(bytes))
      })
      from.on('end', () => {
        this.#pass(way, () => to.end())
      })
      from.on('error', () => undefined)
      from.on('close', () => {
        this.#ways.delete(way)
        // Whoever reads there may still have to get what is on its way.
        this.#pass(way, () => {
          to.destroySoon()
        })
      })
      if (this.#held.has(direction)) from.pause()
    }
  }

  #pass(way: Way, pass: () => void): void {
    const nowMs = performance.now()
    const atMs = Math.max(way.passedAtMs, nowMs + (this.#slowMs > 0 ? this.#random() * this.#slowMs : 0))
    way.passedAtMs = atMs
    if (atMs <= nowMs) pass()
    else
      setTimeout(() => {
        if (!way.to.destroyed) pass()
      }, atMs - nowMs)
  }
}
