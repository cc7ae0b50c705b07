// How full a log is, and what it still takes: as the broker last said it, and what was appended since. A log that is
// full to the last byte could not even be taken over, so each kind of record stops at a share of its own.

/** Shares of the log's room. Takeover, Release and SnapshotTaken have all of it. */
export const roomShares = {
  /** From here on a snapshot is due whatever its size, so that the log can be cut. */
  pressed: 0.5,
  commands: 0.8,
  fires: 0.95,
  beats: 0.98,
} as const

export class LogRoom {
  #bytes = 0
  #maxBytes = Infinity
  #isMeasured = false

  /** What the broker says. */
  measured({ bytes, maxBytes }: { readonly bytes: number; readonly maxBytes: number }): void {
    this.#bytes = bytes
    // JetStream's word for no limit is -1.
    this.#maxBytes = maxBytes > 0 ? maxBytes : Infinity
    this.#isMeasured = true
  }

  appended(bytes: number): void {
    this.#bytes += bytes
    this.#isMeasured = false
  }

  /** False: something was appended since the broker was asked. */
  get isMeasured(): boolean {
    return this.#isMeasured
  }
  get bytes(): number {
    return this.#bytes
  }
  get maxBytes(): number {
    return this.#maxBytes
  }
  get ratio(): number {
    return this.#bytes / this.#maxBytes
  }

  takes(kind: keyof typeof roomShares): boolean {
    return this.ratio < roomShares[kind]
  }
}
