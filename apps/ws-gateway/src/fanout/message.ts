// One message to viewers, whatever their number: its text is made when the first of them is written to,
// its bytes once per transport. It knows no socket.

/** `streamOfOne`: an SSE stream of exactly one timer, whose events carry the id to resume from. */
export type Transport = 'socket' | 'stream' | 'streamOfOne'

export interface MessageOptions {
  /** Its `type` on a socket, its `event:` on a stream. */
  readonly name: string
  /** What it takes in memory at most, by estimate: bounds are kept without encoding. */
  readonly weight: number
  /** Its place on a stream of one timer. */
  readonly eventId?: string
}

export class Message {
  readonly name: string
  readonly weight: number
  readonly #eventId: string | undefined
  readonly #write: () => string
  #text: string | undefined
  #frame: Buffer | undefined
  #event: Buffer | undefined
  #eventOfOne: Buffer | undefined

  /** `write` gives the JSON text, on one line. */
  constructor(options: MessageOptions, write: () => string) {
    this.name = options.name
    this.weight = options.weight
    this.#eventId = options.eventId
    this.#write = write
  }

  get text(): string {
    this.#text ??= this.#write()
    return this.#text
  }

  /** Ready to be written. Shared by all viewers: never to be changed. */
  bytes(transport: Transport): Buffer {
    switch (transport) {
      case 'socket':
        return (this.#frame ??= textFrame(this.text))
      case 'stream':
        return (this.#event ??= streamEvent(this.name, this.text, undefined))
      case 'streamOfOne':
        return (this.#eventOfOne ??= streamEvent(this.name, this.text, this.#eventId))
    }
  }
}

/** An unmasked, unfragmented text frame of RFC 6455. */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(head + length)
  frame[0] = 0x81
  if (head === 2) frame[1] = length
  else if (head === 4) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.write(text, head, 'utf8')
  return frame
}

function streamEvent(name: string, text: string, id: string | undefined): Buffer {
  return Buffer.from(`event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${text}\n\n`)
}
