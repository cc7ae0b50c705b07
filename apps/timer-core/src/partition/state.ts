// What the log says: the timers of one partition, by tenant, and when the running ones are due.
// Changed only by apply(), with events that are in the log. Knows no log, no command, no clock.

import type { SnapshotTimer } from '@timers/shared/log/snapshot.ts'
import type { TimerEvent } from '@timers/shared/timer/event.ts'
import type { RunningTimer, Timer } from '@timers/shared/timer/timer.ts'
import { DeadlineQueue } from '../deadline/deadline-queue.ts'
import type { Packing } from './ports.ts'

/** A running timer and its place in the deadline queue; `notQueued` while its firing is being decided. */
interface RunningEntry {
  timer: RunningTimer
  handle: number
  /** The requestId of the command that set the deadline. */
  setBy: string
}
/** More would not fit in the memory of any node. */
const timersMost = 2 ** 26

const notQueued = -1
const gone = -2

/** A timer that is not running is its packed text: two thirds of its memory saved, unpacked when touched. */
type Entry = RunningEntry | string

export class PartitionState {
  /** Of the newest record applied. */
  sequence = 0
  /** The greatest version of any deleted timer: a new timer starts above it, so that versions never repeat. */
  versionFloor = 0

  readonly #tenants = new Map<string, Map<string, Entry>>()
  readonly #deadlines = new DeadlineQueue({ capacity: timersMost })
  readonly #byHandle: (RunningEntry | undefined)[] = []
  readonly #taken: RunningEntry[] = []
  readonly #handles: number[] = []
  readonly #packing: Packing

  constructor(packing: Packing) {
    this.#packing = packing
  }

  /** Infinity when no timer waits for its deadline. */
  get earliestDeadlineMs(): number {
    return this.#deadlines.earliestMs
  }

  /** Timers whose deadline is at or before `nowMs`, those among them whose firing is being decided. */
  overdue(nowMs: number): number {
    return this.#taken.length + this.#deadlines.countDue(nowMs)
  }

  get(tenantId: string, timerId: string): Timer | undefined {
    const entry = this.#tenants.get(tenantId)?.get(timerId)
    return entry === undefined ? undefined : this.#timerOf(entry)
  }

  /** The requestId of the command that set the deadline of a running timer. */
  deadlineSetBy(tenantId: string, timerId: string): string {
    const entry = this.#tenants.get(tenantId)?.get(timerId)
    return typeof entry === 'object' ? entry.setBy : ''
  }

  /** The timers of a tenant, in no order that means anything; may be walked in slices while events are applied. */
  *timersOf(tenantId: string): Generator<Timer, void, void> {
    const timers = this.#tenants.get(tenantId)
    if (timers === undefined) return
    for (const entry of timers.values()) yield this.#timerOf(entry)
  }

  /** Like timersOf, but looks into no timer whose id does not begin with `prefix`. */
  *timersWithPrefix(tenantId: string, prefix: string): Generator<Timer | undefined, void, void> {
    const timers = this.#tenants.get(tenantId)
    if (timers === undefined) return
    for (const [timerId, entry] of timers) {
      yield timerId.startsWith(prefix) ? this.#timerOf(entry) : undefined
    }
  }

  /**
   * Of every timer as it is when the walk comes to it; events may be applied between two steps. One that is there
   * from before the walk to behind it is met; one that is deleted and created again may be met twice.
   */
  *walk(): Generator<SnapshotTimer, void, void> {
    for (const timers of this.#tenants.values()) {
      for (const entry of timers.values()) {
        if (typeof entry === 'string') yield { packed: entry, setBy: '' }
        else yield { packed: this.#packing.pack(entry.timer), setBy: entry.setBy }
      }
    }
  }

  /** A timer of a snapshot, unless a newer version of it is here. */
  restore({ packed, setBy }: SnapshotTimer): Timer {
    const timer = this.#packing.unpack(packed)
    const timers = this.#timersOf(timer.tenantId)
    const before = timers.get(timer.timerId)
    if (before !== undefined && this.#timerOf(before).version >= timer.version) return timer
    if (typeof before === 'object') this.#unschedule(before)
    if (timer.state === 'running') {
      const entry: RunningEntry = { timer, handle: notQueued, setBy }
      timers.set(timer.timerId, entry)
      this.#schedule(entry)
    } else timers.set(timer.timerId, packed)
    return timer
  }

  apply(event: TimerEvent): void {
    const { timer } = event
    const timers = this.#timersOf(timer.tenantId)
    const before = timers.get(timer.timerId)
    if (event.type === 'deleted') {
      if (typeof before === 'object') this.#unschedule(before)
      timers.delete(timer.timerId)
      if (timers.size === 0) this.#tenants.delete(timer.tenantId)
      this.versionFloor = Math.max(this.versionFloor, timer.version)
    } else if (timer.state === 'running') {
      const setBy = event.cause.requestId
      if (typeof before === 'object') {
        if (before.timer.deadlineMs !== timer.deadlineMs) before.setBy = setBy
        before.timer = timer
        this.#schedule(before)
      } else {
        const entry: RunningEntry = { timer, handle: notQueued, setBy }
        timers.set(timer.timerId, entry)
        this.#schedule(entry)
      }
    } else {
      if (typeof before === 'object') this.#unschedule(before)
      timers.set(timer.timerId, this.#packing.pack(timer))
    }
  }

  /**
   * Takes up to `limit` timers whose deadline is at or before `nowMs` out of the queue, earliest first.
   * giveBackDue() must follow once it is known which of them fired.
   */
  takeDue(nowMs: number, limit: number): readonly RunningTimer[] {
    this.#handles.length = 0
    this.#deadlines.popDue(nowMs, limit, this.#handles)
    const due: RunningTimer[] = []
    for (const handle of this.#handles) {
      const entry = this.#byHandle[handle]
      if (entry === undefined) throw new Error(`The deadline queue holds a handle nobody has: ${handle}`)
      this.#byHandle[handle] = undefined
      entry.handle = notQueued
      this.#taken.push(entry)
      due.push(entry.timer)
    }
    return due
  }

  /** Puts those back that were taken and are still running. */
  giveBackDue(): void {
    for (const entry of this.#taken) if (entry.handle === notQueued) this.#schedule(entry)
    this.#taken.length = 0
  }

  #timersOf(tenantId: string): Map<string, Entry> {
    let timers = this.#tenants.get(tenantId)
    if (timers === undefined) {
      timers = new Map()
      this.#tenants.set(tenantId, timers)
    }
    return timers
  }

  #timerOf(entry: Entry): Timer {
    return typeof entry === 'string' ? this.#packing.unpack(entry) : entry.timer
  }

  #schedule(entry: RunningEntry): void {
    if (entry.handle >= 0) {
      this.#deadlines.move(entry.handle, entry.timer.deadlineMs)
      return
    }
    const handle = this.#deadlines.schedule(entry.timer.deadlineMs)
    if (handle === undefined) throw new Error(`More than ${timersMost} timers run in one partition`)
    entry.handle = handle
    this.#byHandle[handle] = entry
  }

  #unschedule(entry: RunningEntry): void {
    if (entry.handle >= 0) {
      this.#deadlines.cancel(entry.handle)
      this.#byHandle[entry.handle] = undefined
    }
    entry.handle = gone
  }
}
