// The WebSocket server: handshakes, frames in, and prebuilt frames out. Frames go straight to the TCP
// socket: the library writes its own (close, ping, pong) whole and at once, so none is ever cut in two.

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer, type ServerOptions } from 'ws'
import type { Refusal } from '@timers/shared/errors.ts'
import { closeCodes, type CloseCode } from '../fanout/close-codes.ts'
import type { Hub } from '../fanout/hub.ts'
import type { GatewayLimits } from '../fanout/limits.ts'
import { goodbye } from '../fanout/say.ts'
import type { Sink } from '../fanout/viewer.ts'
import { Connection, type ConnectionDeps, type ConnectionOptions } from './connection.ts'

export interface SocketServerOptions extends ConnectionOptions {
  readonly tenantId: string
  readonly limits: GatewayLimits
}

export interface SocketServerDeps extends ConnectionDeps {
  readonly hub: Hub
  /** Whether it may come in: AUTH=off serves this machine only. */
  readonly check: (headers: IncomingMessage['headers']) => Refusal | undefined
  readonly newConnectionId: () => string
  /** Answers a handshake that is none. */
  readonly onBadHandshake: (request: IncomingMessage, socket: Duplex, detail: string) => void
}

const subprotocol = 'timers.v1.json'
/** A peer that does not answer a close is cut off. */
const closeWithinMs = 2000
const tooManyRetryMs = 5000
/** Heartbeats that a client may leave without a word, a pong included. */
const silentBeatsMost = 2
/** A close frame has room for 123 bytes. */
const reasonCharacters = 40

/** The library's refusals of a frame, by our codes. */
const codesOf = new Map<number, CloseCode>([
  [1002, closeCodes.badMessage],
  [1003, closeCodes.badMessage],
  [1007, closeCodes.badMessage],
  [1008, closeCodes.tooBig],
  [1009, closeCodes.tooBig],
])

class OurCodes extends WebSocket {
  /** The code of the close frame that went out. */
  sentCode: number | undefined

  override close(code?: number, reason?: string | Buffer): void {
    this.sentCode ??= code === undefined ? undefined : (codesOf.get(code) ?? code)
    super.close(this.sentCode, reason)
  }
}

export class SocketServer {
  readonly #options: SocketServerOptions
  readonly #deps: SocketServerDeps
  readonly #server: WebSocketServer
  readonly #sockets = new Set<WebSocket>()

  constructor(options: SocketServerOptions, deps: SocketServerDeps) {
    this.#options = options
    this.#deps = deps
    const settings: ServerOptions & { closeTimeout: number } = {
      noServer: true,
      WebSocket: OurCodes,
      clientTracking: false,
      maxPayload: options.limits.messageBytes,
      perMessageDeflate: false,
      // Ours to check, to refuse it by our code.
      skipUTF8Validation: true,
      closeTimeout: closeWithinMs,
      handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
    }
    this.#server = new WebSocketServer(settings)
    this.#server.on('wsClientError', (error, socket, request) => {
      deps.onBadHandshake(request, socket, error.message)
    })
  }

  get size(): number {
    return this.#sockets.size
  }

  /** A request for an upgrade of the path that is ours. */
  readonly upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      this.#sockets.add(webSocket)
      webSocket.once('close', () => this.#sockets.delete(webSocket))
      // What is wrong is told by the close code.
      webSocket.on('error', () => undefined)
      const foreign = this.#deps.check(request.headers)
      if (foreign === undefined) this.#accept(webSocket, socket)
      else this.#turnAway(webSocket, closeCodes.forbidden, foreign.detail)
    })
  }

  /** Cuts off whoever is still there. */
  terminate(): void {
    for (const socket of this.#sockets) socket.terminate()
  }

  #accept(webSocket: WebSocket, socket: Duplex): void {
    const { hub, newConnectionId } = this.#deps
    const sink = new SocketSink(webSocket, socket)
    const viewer = hub.connect(newConnectionId(), this.#options.tenantId, sink)
    if (viewer === undefined) {
      this.#turnAway(webSocket, closeCodes.tooMany, 'too many connections', tooManyRetryMs)
      return
    }
    const connection = new Connection(this.#options, this.#deps, viewer)
    webSocket.on('message', (data, isBinary) => {
      sink.heard()
      if (isBinary) connection.receiveBinary()
      else connection.receive(data as Buffer)
    })
    webSocket.on('pong', () => {
      sink.heard()
    })
    socket.on('drain', () => {
      hub.drained(viewer)
    })
    // A frame that cannot be read: the library has said so by a close frame, after which nothing may come.
    webSocket.on('error', () => {
      hub.disconnected(viewer)
    })
    webSocket.once('close', (code) => {
      hub.counts.close((webSocket instanceof OurCodes && webSocket.sentCode) || code)
      hub.disconnected(viewer)
    })
  }

  #turnAway(webSocket: WebSocket, code: CloseCode, reason: string, retryAfterMs?: number): void {
    const { clock, hub } = this.#deps
    hub.counts.close(code)
    webSocket.send(goodbye(clock.nowMs(), code, retryAfterMs).text)
    webSocket.close(code, reason)
  }
}

class SocketSink implements Sink {
  readonly transport = 'socket'
  readonly #webSocket: WebSocket
  readonly #socket: Duplex
  #silentBeats = 0
  constructor(webSocket: WebSocket, socket: Duplex) {
    this.#webSocket = webSocket
    this.#socket = socket
  }

  heard(): void {
    this.#silentBeats = 0
  }

  write(bytes: Buffer): boolean {
    // After a close frame there may be no other.
    return this.#webSocket.readyState !== WebSocket.OPEN || this.#socket.write(bytes)
  }

  beat(): void {
    if (this.#silentBeats >= silentBeatsMost) this.#webSocket.terminate()
    else this.#webSocket.ping()
    this.#silentBeats += 1
  }

  end(code: CloseCode, reason: string, retryAfterMs: number | undefined): void {
    const text = retryAfterMs === undefined ? reason : `${reason}; retryAfterMs=${retryAfterMs}`
    this.#webSocket.close(code, text.slice(0, reasonCharacters))
  }
}
