// What the gateway has done since it started, as plain numbers: ideas add to them, metrics.ts shows them.

export class Counts {
  /** Written to viewers: messages, and the joined writes that carried them. */
  messages = 0
  writes = 0
  bytes = 0
  /** States and ticks that a newer one stood for. */
  replaced = 0
  /** Ticks of a version that the viewer does not hold. */
  ticksDropped = 0
  /** Reads of the log for what the feed lost; partitions asked for again because that failed. */
  backfills = 0
  rescans = 0
  /** Connections that ended, by close code. */
  readonly closed = new Map<number, number>()
  /** What was refused, by the name of the limit or the code of the error. */
  readonly refused = new Map<string, number>()

  close(code: number): void {
    this.closed.set(code, (this.closed.get(code) ?? 0) + 1)
  }

  refuse(what: string): void {
    this.refused.set(what, (this.refused.get(what) ?? 0) + 1)
  }
}
