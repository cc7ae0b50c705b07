// Virtual time. What happens next is the earliest event; of those at one instant the one that was asked for
// first. Between two events every promise that can go on has gone on, as between two turns of a real loop.

interface Event {
  readonly atMs: number
  readonly order: number
  run: (() => void) | undefined
}

/** Events that are run in one round of the real loop: each in a turn of its own, all the same. */
const aRound = 64

export class Scheduler {
  readonly #failed: (error: unknown) => void
  readonly #heap: Event[] = []
  #nowMs = 0
  #order = 0

  /** `failed`: told what an event has thrown. */
  constructor(deps: { readonly failed: (error: unknown) => void }) {
    this.#failed = deps.failed
  }

  get nowMs(): number {
    return this.#nowMs
  }

  /** How many events were asked for: two runs of one seed ask for as many. */
  get order(): number {
    return this.#order
  }

  /** The answer cancels it. */
  at(atMs: number, run: () => void): () => void {
    this.#order += 1
    const event: Event = { atMs: Math.max(atMs, this.#nowMs), order: this.#order, run }
    this.#push(event)
    return () => {
      event.run = undefined
    }
  }

  /** Until this instant, or until `over`. */
  run(untilMs: number, over: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      let ended = false
      const turn = (): void => {
        if (ended) return
        const event = this.#heap[0]
        if (event === undefined || event.atMs > untilMs || over()) {
          ended = true
          if (!over()) this.#nowMs = untilMs
          resolve()
          return
        }
        this.#pop()
        if (event.run === undefined) {
          turn()
          return
        }
        this.#nowMs = event.atMs
        try {
          event.run()
        } catch (error) {
          this.#failed(error)
        }
      }
      const round = (): void => {
        for (let i = 0; i < aRound; i += 1) setImmediate(turn)
        setImmediate(() => {
          if (!ended) round()
        })
      }
      round()
    })
  }

  #push(event: Event): void {
    const heap = this.#heap
    let at = heap.push(event) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = heap[above]
      if (parent === undefined || !isBefore(event, parent)) break
      heap[at] = parent
      at = above
    }
    heap[at] = event
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      let child = heap[below]
      if (child === undefined) break
      const right = heap[below + 1]
      if (right !== undefined && isBefore(right, child)) {
        below += 1
        child = right
      }
      if (!isBefore(child, last)) break
      heap[at] = child
      at = below
    }
    heap[at] = last
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
