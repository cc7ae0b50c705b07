// What a partition is, as parts of a snapshot, walked in small steps while events go on being applied between them.
//
// Why that is right: the head is of the position S at which the walk began, and whoever loads the parts replays every
// record from S + 1 to the one that names the snapshot, and believes nothing before it is there. That one is behind
// all that the walk can have seen.
// - An event holds the whole timer after it. So a timer that has events behind S ends as the last of them says,
//   whatever the walk met of it; one that has none was met as it was at S, for the walk misses nothing that stays.
//   That holds for one that is deleted (the delete is the last event), and created again (the creation, or later).
// - versionFloor is that of S, and every delete behind S raises it.
// - The term is that of S, and Takeovers behind it change it on the way.
// - Who set the deadline of a running timer: the last event that changed it, behind S, else what was met.
// - Results for repeats: those of S that are still wanted when met. A record behind S keeps its own again, which is
//   the same again. Dropped before the walk came = its sender has said that it will not ask; answeredBelow, which is
//   met after all results, knows that.
// - Answered keys are only added; the same key again in its hour changes nothing.
// A snapshot that no record names proves nothing: it may have seen what a power loss then took from the log.

import type { Timer } from '@timers/shared/timer/timer.ts'
import type {
  SnapshotAnswered,
  SnapshotHead,
  SnapshotPart,
  SnapshotResult,
  SnapshotSession,
  SnapshotTimer,
} from '@timers/shared/log/snapshot.ts'
import type { Ledger } from '../partition/ledger.ts'

/** A part is closed at this size: half of what it may have, for it takes a turn of its own to encode. */
const partBytesMeant = 128 * 1024
/** Between two of which nobody looks at the time. */
const itemsAStep = 64
/** Of an item beside its texts, at most. */
const bytesBeside = 48
const keyBytes = 64

interface OpenPart extends SnapshotPart {
  readonly timers: SnapshotTimer[]
  readonly sessions: SnapshotSession[]
  readonly results: SnapshotResult[]
  readonly answered: SnapshotAnswered[]
}

/** Gives each part when it is full, and undefined now and then between: a good moment to let others run. */
export function* walkLedger(
  ledger: Ledger,
  pack: (timer: Timer) => string,
  { partBytes = partBytesMeant } = {},
): Generator<SnapshotPart | undefined, void, void> {
  let part = openPart(ledger.head())
  let bytes = 0
  let items = 0
  for (const add of itemsOf(ledger, pack)) {
    bytes += add(part)
    items += 1
    if (bytes >= partBytes) {
      yield part
      part = openPart(undefined)
      bytes = 0
    } else if (items % itemsAStep === 0) yield undefined
  }
  yield part
}

/** Each puts itself into a part, and says about how many bytes it takes there. */
function* itemsOf(
  { state, repeats, answered }: Ledger,
  pack: (timer: Timer) => string,
): Generator<(part: OpenPart) => number, void, void> {
  for (const { session, n, result } of repeats.walkResults()) {
    yield ({ results }) => {
      const { type, timer, sequence, keptUntilMs } = result
      const packed = pack(timer)
      results.push({ session, n, type, packed, sequence, keptUntilMs })
      return packed.length + session.length + bytesBeside
    }
  }
  for (const session of repeats.walkSessions()) {
    yield ({ sessions }) => {
      sessions.push(session)
      return session.session.length + bytesBeside
    }
  }
  for (const item of state.walk()) {
    yield ({ timers }) => {
      timers.push(item)
      return item.packed.length + item.setBy.length + bytesBeside
    }
  }
  for (const key of answered.walk()) {
    yield (part) => {
      part.answered.push(key)
      return keyBytes
    }
  }
}

function openPart(head: SnapshotHead | undefined): OpenPart {
  return { head, timers: [], sessions: [], results: [], answered: [] }
}
