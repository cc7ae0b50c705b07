// One snapshot at a time on a node: each takes CPU and bandwidth from the same commands.

export class SnapshotLane {
  #isTaken = false

  /** Undefined: another one is under way. Disposed of, the lane is free again. */
  enter(): Disposable | undefined {
    if (this.#isTaken) return undefined
    this.#isTaken = true
    return {
      [Symbol.dispose]: () => {
        this.#isTaken = false
      },
    }
  }
}
