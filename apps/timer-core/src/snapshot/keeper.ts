// Keeps one partition's log short while this node owns it: takes a snapshot when one is due, cuts the log behind the
// one before it, and removes snapshots that the cut log cannot need. Whatever fails is done again later; nothing of it
// is in the way of a command. It never cuts on its own word: bounds are those that the log names.

import type { Clock } from '@timers/shared/clock.ts'
import type { RecordBody } from '@timers/shared/log/record.ts'
import type { Ledger } from '../partition/ledger.ts'
import type { LogReaders, Packing, PartitionLog, PartitionObserver } from '../partition/ports.ts'
import type { Standing } from '../partition/standing.ts'
import type { Turns } from '../partition/turns.ts'
import type { SnapshotLane } from './lane.ts'
import type { SnapshotSource } from './load.ts'
import { roomShares, type LogRoom } from './room.ts'
import { cutBound, isSnapshotDue, type LogNow, type SnapshotRules } from './rules.ts'
import { takeSnapshot } from './take.ts'

/** What a node's partitions share for their snapshots. */
export interface SnapshotParts extends SnapshotSource {
  readonly readers: LogReaders
  readonly lane: SnapshotLane
  readonly rules: SnapshotRules
}

export interface KeeperDeps {
  readonly log: PartitionLog
  readonly room: LogRoom
  readonly snapshots: SnapshotParts
  readonly packing: Packing
  readonly clock: Clock
  readonly turns: Turns
  readonly observer: PartitionObserver
  /** Through the one append at a time that there is. False: it is not in the log as far as is known. */
  readonly append: (body: RecordBody) => Promise<boolean>
}

/** After a snapshot that failed. Room is looked for all the same: what the log takes depends on it. */
const takeAgainAfterMs = 30_000

/** Of which ownership this is about: with another one nothing is to be done on. */
interface Reign {
  readonly ledger: Ledger
  readonly term: string
}

export class SnapshotKeeper {
  readonly #standing: Standing
  readonly #deps: KeeperDeps
  #looking = false
  #lookAtMs = 0
  #takeAtMs = 0
  #named = 0
  #namedSinceMs = 0
  #lastBytes = 0
  #toldShare = 0
  /** There is something to cut, or the log is so full that there should be. */
  #isPending = true

  constructor(standing: Standing, deps: KeeperDeps) {
    this.#standing = standing
    this.#deps = deps
  }

  /** Call it a few times a second. */
  tick(): void {
    const { clock, observer, snapshots } = this.#deps
    if (!this.#standing.serving || this.#looking || clock.monotonicMs() < this.#lookAtMs) return
    this.#looking = true
    this.#lookAtMs = clock.monotonicMs() + snapshots.rules.lookEveryMs
    const { ledger, term, partition } = this.#standing
    this.#look({ ledger, term })
      .catch((error: unknown) => {
        observer.trouble(partition, 'The log could not be shortened', String(error))
      })
      .finally(() => {
        this.#looking = false
      })
  }

  async #look(reign: Reign): Promise<void> {
    const { clock, room, snapshots } = this.#deps
    if (room.isMeasured && !this.#isPending) return
    let now = await this.#measure(reign)
    if (await this.#cut(now, reign)) now = await this.#measure(reign)
    this.#isPending = now.snapshotBefore >= now.first || !room.takes('pressed')
    if (clock.monotonicMs() < this.#takeAtMs) return
    if (isSnapshotDue(now, this.#lastBytes, snapshots.rules)) await this.#take(reign)
  }

  async #measure({ ledger }: Reign): Promise<LogNow> {
    const { clock, room, log, snapshots } = this.#deps
    const ends = await log.ends()
    room.measured(ends)
    this.#tell()
    const { snapshotAt, snapshotBefore } = ledger
    const nowMs = clock.monotonicMs()
    if (snapshotAt !== this.#named) {
      this.#named = snapshotAt
      this.#namedSinceMs = nowMs
    }
    const isSettled = nowMs - this.#namedSinceMs >= snapshots.rules.settleMs
    const { maxBytes } = room
    return { ...ends, maxBytes, snapshotAt, snapshotBefore, isSettled }
  }

  /** Says once that a share of the room is passed. */
  #tell(): void {
    const { room, observer } = this.#deps
    const passed = Object.values(roomShares).filter((share) => room.ratio >= share)
    const share = Math.max(0, ...passed)
    if (share > this.#toldShare) {
      const detail = `${room.bytes} of ${room.maxBytes} bytes`
      observer.trouble(this.#standing.partition, `The log is full to ${share * 100} %`, detail)
    }
    this.#toldShare = share
  }

  /** False: there was nothing to cut, or it may not be yet. */
  async #cut(now: LogNow, reign: Reign): Promise<boolean> {
    const { log, snapshots } = this.#deps
    const { partition } = this.#standing
    const wanted = cutBound(now)
    if (wanted < now.first) return false
    const bound = Math.min(wanted, await snapshots.readers.least(partition))
    if (bound < now.first || !this.#isStill(reign)) return false
    await log.purge(bound + 1)
    for (const sequence of await snapshots.store.list(partition)) {
      if (sequence < bound) await snapshots.store.remove(partition, sequence)
    }
    return true
  }

  async #take(reign: Reign): Promise<void> {
    const { clock, snapshots, append } = this.#deps
    using lane = snapshots.lane.enter()
    if (lane === undefined) {
      // Somebody else's takes a moment.
      this.#lookAtMs = clock.monotonicMs()
      return
    }
    this.#takeAtMs = clock.monotonicMs() + takeAgainAfterMs
    const isWanted = (): boolean => this.#isStill(reign)
    const taken = await takeSnapshot(reign.ledger, { ...this.#deps, isWanted })
    if (taken === undefined || !isWanted()) return
    const { sequence, parts, crc, bytes } = taken
    if (!(await append({ kind: 'snapshotTaken', sequence, parts, crc }))) {
      throw new Error('The log did not take the record that names a snapshot')
    }
    this.#takeAtMs = 0
    this.#lastBytes = bytes
    this.#isPending = true
  }

  #isStill({ ledger, term }: Reign): boolean {
    const { serving, ledger: current, term: currentTerm } = this.#standing
    return serving && current === ledger && currentTerm === term
  }
}
