// A viewer's client as it should be: it keeps what it is told, and finds fault with whatever it must never
// be told.

import assert from 'node:assert/strict'
import type { TimerJson } from '@timers/shared/timer/timer-json.ts'
import type { Sink } from '../src/fanout/viewer.ts'
import { FrameReader } from './frames.ts'

export interface Told {
  readonly type: string
  readonly [field: string]: unknown
}

export class ClientModel implements Sink {
  readonly transport = 'socket'
  readonly told: Told[] = []
  /** Versions by timer, as a client that trusts the order would have them. */
  readonly held = new Map<string, number>()
  readonly states = new Map<string, string>()
  /** The newest version of each timer it was ever told of. */
  readonly newest = new Map<string, number>()
  /** Completions and deletions seen, as `type id version`. */
  readonly last = new Set<string>()
  ended: { readonly code: number; readonly retryAfterMs: number | undefined } | undefined
  /** It takes nothing more until the test drains it. */
  full = false
  writes = 0
  /** Off where events were lost for good: then only where it all ends is certain. */
  inOrder = true
  readonly #frames = new FrameReader()

  write(bytes: Buffer): boolean {
    assert.equal(this.ended, undefined, 'written to after its end')
    this.writes += 1
    for (const { payload } of this.#frames.push(bytes)) this.#hear(JSON.parse(payload.toString()) as Told)
    return !this.full
  }

  beat(): void {}

  end(code: number, _reason: string, retryAfterMs: number | undefined): void {
    this.ended = { code, retryAfterMs }
  }

  ofType(type: string): Told[] {
    return this.told.filter((one) => one.type === type)
  }

  #hear(message: Told): void {
    this.told.push(message)
    assert.match(String(message['at']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    if (message.type === 'ack') {
      for (const timer of (message['timers'] ?? []) as TimerJson[]) this.#hold(timer, 'ack')
    } else if (message.type === 'timer') {
      const timer = message['timer'] as TimerJson
      this.#hold(timer, 'timer')
      const { type } = message['cause'] as { type: string }
      if (type === 'timer.completed') this.last.add(`completed ${timer.id} ${timer.version}`)
    } else if (message.type === 'deleted') {
      const timerId = String(message['timerId'])
      const version = Number(message['version'])
      // The deletion of one it never saw may come: it stands for the unsent states before it.
      assert.ok(
        !this.inOrder || version > (this.newest.get(timerId) ?? 0),
        `deletion of ${timerId} v${version} out of order`,
      )
      this.newest.set(timerId, version)
      this.held.delete(timerId)
      this.states.delete(timerId)
      this.last.add(`deleted ${timerId} ${version}`)
    }
  }

  #hold(timer: TimerJson, by: string): void {
    const newest = this.newest.get(timer.id) ?? 0
    const inOrder = by === 'ack' ? timer.version >= newest : timer.version > newest
    assert.ok(inOrder || !this.inOrder, `${by} of ${timer.id} v${timer.version} after v${newest}`)
    this.newest.set(timer.id, timer.version)
    this.held.set(timer.id, timer.version)
    this.states.set(timer.id, timer.state)
  }
}
