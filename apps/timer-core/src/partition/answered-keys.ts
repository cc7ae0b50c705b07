// Which Idempotency-Keys were answered in the last day, and how: known by digests, in typed arrays by the hour, so
// that a million of them are nothing to the garbage collector and leave by whole hours. Nothing is ever evicted for
// want of room: whoever adds has to look at `size` first.

import type { AnsweredKey } from '@timers/shared/log/record.ts'
import type { SnapshotAnswered } from '@timers/shared/log/snapshot.ts'

const hourMs = 3_600_000
/** A key is known for so long, and up to an hour more. */
const keptHours = 24
const firstRoom = 64
const digestWords = 4
const bodyWords = 2

export class AnsweredKeys {
  readonly #hours = new Map<number, Hour>()

  get size(): number {
    let size = 0
    for (const hour of this.#hours.values()) size += hour.size
    return size
  }

  /** The newest answer to this key; undefined when there is none, or it is too old. */
  find(digest: Uint8Array): AnsweredKey | undefined {
    let newest: AnsweredKey | undefined
    let newestHour = -1
    for (const [hour, keys] of this.#hours) {
      if (hour <= newestHour) continue
      const found = keys.find(digest)
      if (found === undefined) continue
      newest = found
      newestHour = hour
    }
    return newest
  }

  /** `atMs` is the instant of the record. The same key in the same hour again changes nothing. */
  add(key: AnsweredKey, atMs: number): void {
    this.restore({ hour: Math.floor(atMs / hourMs), answered: key })
  }

  restore({ hour, answered }: SnapshotAnswered): void {
    let keys = this.#hours.get(hour)
    if (keys === undefined) {
      keys = new Hour()
      this.#hours.set(hour, keys)
    }
    keys.add(answered)
  }

  /** Call it now and then. */
  forgetExpired(nowMs: number): void {
    const oldest = Math.floor(nowMs / hourMs) - keptHours
    for (const hour of this.#hours.keys()) if (hour < oldest) this.#hours.delete(hour)
  }

  /** All of them; keys may be added and forgotten between two steps. */
  *walk(): Generator<SnapshotAnswered, void, void> {
    for (const [hour, keys] of this.#hours) {
      for (let at = 0; at < keys.size; at += 1) yield { hour, answered: keys.at(at) }
    }
  }
}

/** Keys in the order they came, and a table of open addressing from digests to their places. */
class Hour {
  #size = 0
  #digests = new Uint32Array(firstRoom * digestWords)
  #bodies = new Uint32Array(firstRoom * bodyWords)
  #statuses = new Uint16Array(firstRoom)
  #versions = new Float64Array(firstRoom)
  /** Place + 1; 0 is free. Never more than half full. */
  #table = new Uint32Array(firstRoom * 2)

  get size(): number {
    return this.#size
  }

  at(place: number): AnsweredKey {
    const digest = this.#digests.slice(place * digestWords, (place + 1) * digestWords)
    const body = this.#bodies.slice(place * bodyWords, (place + 1) * bodyWords)
    return {
      digest: new Uint8Array(digest.buffer),
      body: new Uint8Array(body.buffer),
      status: this.#statuses[place] ?? 0,
      version: this.#versions[place] ?? 0,
    }
  }

  find(digest: Uint8Array): AnsweredKey | undefined {
    const place = (this.#table[this.#slotOf(wordsOf(digest))] ?? 0) - 1
    return place < 0 ? undefined : this.at(place)
  }

  add({ digest, body, status, version }: AnsweredKey): void {
    const words = wordsOf(digest)
    let slot = this.#slotOf(words)
    if (this.#table[slot] !== 0) return
    if (this.#size === this.#statuses.length) {
      this.#grow()
      slot = this.#slotOf(words)
    }
    const place = this.#size
    this.#size += 1
    this.#digests.set(words, place * digestWords)
    this.#bodies.set(wordsOf(body), place * bodyWords)
    this.#statuses[place] = status
    this.#versions[place] = version
    this.#table[slot] = this.#size
  }

  /** Where it is, or would be. */
  #slotOf(words: Uint32Array): number {
    const mask = this.#table.length - 1
    // A digest is as good as random.
    let slot = (words[0] ?? 0) & mask
    for (;;) {
      const place = (this.#table[slot] ?? 0) - 1
      if (place < 0 || this.#isAt(place, words)) return slot
      slot = (slot + 1) & mask
    }
  }

  #isAt(place: number, words: Uint32Array): boolean {
    for (let word = 0; word < digestWords; word += 1) {
      if (this.#digests[place * digestWords + word] !== words[word]) return false
    }
    return true
  }

  #grow(): void {
    const room = this.#statuses.length * 2
    this.#digests = larger(this.#digests, new Uint32Array(room * digestWords))
    this.#bodies = larger(this.#bodies, new Uint32Array(room * bodyWords))
    this.#statuses = larger(this.#statuses, new Uint16Array(room))
    this.#versions = larger(this.#versions, new Float64Array(room))
    this.#table = new Uint32Array(room * 2)
    for (let place = 0; place < this.#size; place += 1) {
      const words = this.#digests.subarray(place * digestWords, (place + 1) * digestWords)
      // All differ: the slot is free.
      this.#table[this.#slotOf(words)] = place + 1
    }
  }
}

function larger<T extends Uint32Array | Uint16Array | Float64Array>(from: T, to: T): T {
  to.set(from)
  return to
}

/** A copy: the bytes may lie anywhere in a message. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.slice().buffer)
}
