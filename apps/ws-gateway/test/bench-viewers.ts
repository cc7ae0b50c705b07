// The viewers of fanout.bench.ts, a process of their own: they subscribe, then count the text frames that
// come. Raw sockets, so that reading costs as little as it can.

import { connect } from 'node:net'

export interface ViewersJob {
  readonly port: number
  /** One message to send per viewer. */
  readonly subscribes: readonly string[]
  /** Frames that each gets before it counts as joined. */
  readonly greetings: number
  /** Progress is told each time so many more frames have come. */
  readonly tellEvery: number
}

export type ViewersNews = { readonly joined: true } | { readonly frames: number }

/** Counts the frames in a stream of unmasked text frames, whatever pieces it comes in. */
class FrameCounter {
  #skip = 0
  readonly #head: number[] = []

  count(bytes: Buffer): number {
    let frames = 0
    let at = 0
    while (at < bytes.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, bytes.length - at)
        this.#skip -= skipped
        at += skipped
        continue
      }
      this.#head.push(bytes[at++] ?? 0)
      const [first = 0, short = 0] = this.#head
      const size = short < 126 ? 2 : short === 126 ? 4 : 10
      if (this.#head.length < 2 || this.#head.length < size) continue
      this.#skip = size === 2 ? short : this.#head.slice(2).reduce((sum, byte) => sum * 256 + byte, 0)
      this.#head.length = 0
      if (first === 0x81) frames += 1
    }
    return frames
  }
}

function tell(news: ViewersNews): void {
  process.send?.(news)
}

function masked(text: string): Buffer {
  const payload = Buffer.from(text)
  const head =
    payload.length < 126
      ? Buffer.from([0x81, 0x80 | payload.length])
      : Buffer.from([0x81, 0xfe, payload.length >> 8, payload.length & 0xff])
  return Buffer.concat([head, Buffer.alloc(4), payload])
}

const handshake = [
  'GET /v1/ws HTTP/1.1',
  'Host: 127.0.0.1',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
  '',
  '',
].join('\r\n')

function watch({ port, subscribes, greetings, tellEvery }: ViewersJob): void {
  let joined = 0
  let frames = 0
  let told = 0
  for (const subscribe of subscribes) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const counter = new FrameCounter()
    let shaken = false
    let greeted = 0
    socket.write(Buffer.concat([Buffer.from(handshake), masked(subscribe)]))
    socket.on('data', (bytes: Buffer) => {
      let rest = bytes
      if (!shaken) {
        shaken = true
        rest = bytes.subarray(bytes.indexOf('\r\n\r\n') + 4)
      }
      let came = counter.count(rest)
      if (greeted < greetings) {
        const greeting = Math.min(came, greetings - greeted)
        greeted += greeting
        came -= greeting
        if (greeted === greetings && ++joined === subscribes.length) tell({ joined: true })
      }
      frames += came
      if (frames - told < tellEvery) return
      told = frames - (frames % tellEvery)
      tell({ frames })
    })
    socket.on('error', () => undefined)
  }
}

process.on('message', (job: ViewersJob) => {
  watch(job)
})
process.on('disconnect', () => {
  process.kill(process.pid, 'SIGTERM')
})
