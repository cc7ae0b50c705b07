// Takes apart what the gateway writes to a socket, byte by byte as RFC 6455 has it: for tests and benches
// that must not trust the library on both ends.

/** Gathers bytes; gives whole frames. Server frames: unmasked, unfragmented. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0)

  /** The payloads of the text frames that are complete now, and the opcodes of the others. */
  push(bytes: Buffer): { readonly opcode: number; readonly payload: Buffer }[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    const frames: { opcode: number; payload: Buffer }[] = []
    for (;;) {
      const frame = readFrame(this.#rest)
      if (frame === undefined) return frames
      this.#rest = this.#rest.subarray(frame.bytes)
      frames.push({ opcode: frame.opcode, payload: frame.payload })
    }
  }
}

function readFrame(from: Buffer): { opcode: number; payload: Buffer; bytes: number } | undefined {
  if (from.length < 2) return undefined
  const [first = 0, second = 0] = from
  if ((first & 0xf0) !== 0x80)
    throw new Error(`a frame that is fragmented or reserved: ${first.toString(16)}`)
  if ((second & 0x80) !== 0) throw new Error('a masked frame of a server')
  const short = second & 0x7f
  const head = short < 126 ? 2 : short === 126 ? 4 : 10
  if (from.length < head) return undefined
  const length = short < 126 ? short : short === 126 ? from.readUInt16BE(2) : Number(from.readBigUInt64BE(2))
  if (from.length < head + length) return undefined
  return { opcode: first & 0x0f, payload: from.subarray(head, head + length), bytes: head + length }
}
