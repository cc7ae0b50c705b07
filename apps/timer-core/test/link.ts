// A wire between one client and a server that a test can cut, or on which one direction can be held: so an
// answer can be lost at the very moment that matters.

import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

interface Pair {
  readonly client: Socket
  readonly server: Socket
}

export class Link implements AsyncDisposable {
  readonly #listener: Server
  readonly #pairs = new Set<Pair>()
  #holdsAnswers = false
  #holdsQuestions = false

  private constructor(listener: Server, port: number) {
    this.#listener = listener
    listener.on('connection', (client) => {
      this.#join({ client, server: connect(port, '127.0.0.1') })
    })
  }

  /** To a server on this machine. */
  static async to(port: number): Promise<Link> {
    const listener = createServer()
    const link = new Link(listener, port)
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    return link
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port
  }

  /** What the server says does not arrive until release(); after cut() it never does. */
  holdAnswers(): void {
    this.#holdsAnswers = true
    for (const { server } of this.#pairs) server.pause()
  }

  /** What the client says does not arrive until release(); after cut() it never does. */
  holdQuestions(): void {
    this.#holdsQuestions = true
    for (const { client } of this.#pairs) client.pause()
  }

  release(): void {
    this.#holdsAnswers = this.#holdsQuestions = false
    for (const { client, server } of this.#pairs) {
      client.resume()
      server.resume()
    }
  }

  /** Ends every connection, and what is held on it; new ones are let through. */
  cut(): void {
    this.#holdsAnswers = this.#holdsQuestions = false
    for (const { client, server } of this.#pairs) {
      client.destroy()
      server.destroy()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#listener, 'close')
    this.#listener.close()
    this.cut()
    await closed
  }

  #join(pair: Pair): void {
    const { client, server } = pair
    this.#pairs.add(pair)
    const end = (): void => {
      this.#pairs.delete(pair)
      client.destroy()
      server.destroy()
    }
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.setNoDelay(true)
      from.on('data', (bytes) => to.write(bytes))
      from.on('error', end).on('close', end)
    }
    if (this.#holdsAnswers) server.pause()
    if (this.#holdsQuestions) client.pause()
  }
}
