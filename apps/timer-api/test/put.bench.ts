// Durable PUTs a second through one API process, against a bare express server that echoes the same body.
// Both are processes of their own, asked in turns by the same client over keep-alive connections.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { bench, percentile } from '@timers/dev/bench-kit.ts'
import { startWorld } from './world.ts'

const connections = 128
const forMs = 4000
const ids = 20_000
const body = JSON.stringify({ durationMs: 3_600_000, title: 'Tea', labels: { room: 'a' } })

/** A connection that has one request under way at a time. */
class Line {
  readonly #socket: Socket
  readonly #head: string
  #received = ''
  #answered: (() => void) | undefined
  failed = 0

  constructor(port: number) {
    this.#head = `HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true })
    this.#socket.setEncoding('latin1').on('data', (text: string) => {
      this.#received += text
      this.#take()
    })
  }

  put(id: string): Promise<void> {
    this.#socket.write(`PUT /v1/timers/${id} ${this.#head}`)
    return new Promise((resolve) => {
      this.#answered = resolve
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(): void {
    const end = this.#received.indexOf('\r\n\r\n')
    if (end < 0) return
    const length = Number(/content-length: (\d+)/i.exec(this.#received)?.[1])
    if (this.#received.length < end + 4 + length) return
    if (!/^HTTP\/1\.1 20[01] /.test(this.#received)) this.failed += 1
    this.#received = ''
    this.#answered?.()
  }
}

let made = 0
async function load(port: number): Promise<{ puts: number; p50: number; p99: number }> {
  const lines = Array.from({ length: connections }, () => new Line(port))
  const tookMs: number[] = []
  const startedAtMs = performance.now()
  const untilMs = startedAtMs + forMs
  await Promise.all(
    lines.map(async (line) => {
      for (let sentAtMs = startedAtMs; sentAtMs < untilMs;) {
        made += 1
        await line.put(`b${made % ids}`)
        const nowMs = performance.now()
        tookMs.push(nowMs - sentAtMs)
        sentAtMs = nowMs
      }
    }),
  )
  const seconds = (performance.now() - startedAtMs) / 1000
  for (const line of lines) {
    line.close()
    if (line.failed > 0) throw new Error(`${line.failed} requests failed`)
  }
  const times = Float64Array.from(tookMs)
  return { puts: tookMs.length / seconds, p50: percentile(times, 0.5), p99: percentile(times, 0.99) }
}

const echo = fork(fileURLToPath(new URL('echo-server.ts', import.meta.url)))
try {
  const [echoPort] = (await once(echo, 'message')) as [number]
  // Without those who only read the log: what they do is not in the way of an answer, but on the same cores.
  await using world = await startWorld({ counts: { 'timer-core': 1, persistence: 0, 'ws-gateway': 0 } })
  const apiPort = Number(new URL(world.api.url).port)
  await bench({
    name: 'rest-put',
    rows: {
      puts: {
        unit: '/s',
        goal: { of: 'ratio', is: '≥', value: 0.5 },
        note: 'one API process, one core node, 128 connections',
      },
      p50: { unit: 'ms' },
      p99: { unit: 'ms' },
    },
    ours: () => load(apiPort),
    floor: () => load(echoPort),
  })
} finally {
  echo.disconnect()
}
