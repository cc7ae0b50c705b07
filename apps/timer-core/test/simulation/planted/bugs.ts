// Bugs that the simulation must find: what it would mean to leave out one of the protocol's means. Each is put in
// from outside, where the code under test has a seam; those that need an edit of its text are in edits.ts.

import { Ledger } from '../../../src/partition/ledger.ts'
import { Mailbox } from '../../../src/partition/mailbox.ts'
import { PartitionState } from '../../../src/partition/state.ts'
import { edits } from './edits.ts'
import type { Planted } from '../machine/machine.ts'

export interface Bug extends Planted {
  /** Applied once, in a process of its own. */
  readonly patch?: () => void
}

export const bugs: Readonly<Record<string, Bug>> = {
  'drop the fence': {
    unfenced: true,
  },
  'ack before commit': {
    log: (log) => ({
      ...log,
      append: (record, expected, connectionId) => {
        void log.append(record, expected, connectionId)
        return Promise.resolve({ kind: 'committed', sequence: expected + 1, bytes: 100 })
      },
    }),
  },
  'forget staged commands in the duplicate check': {
    patch() {
      Mailbox.prototype.find = () => undefined
    },
  },
  'skip replay': {
    patch() {
      around(
        Ledger.prototype,
        'replay',
        (replay) =>
          function (this: Ledger, { record, ...stored }) {
            const body = record.body.kind === 'batch' ? ({ kind: 'beat' } as const) : record.body
            return replay.call(this, { ...stored, record: { ...record, body } })
          },
      )
    },
  },
  'restart versions': {
    patch() {
      around(
        PartitionState.prototype,
        'apply',
        (apply) =>
          function (this: PartitionState, event) {
            apply.call(this, event)
            this.versionFloor = 0
          },
      )
    },
  },
  "trust 10071's number": {
    log: (log) => ({
      ...log,
      append: async (record, expected, connectionId) => {
        const outcome = await log.append(record, expected, connectionId)
        const named = outcome.kind === 'unknown' ? /wrong last sequence: (\d+)/.exec(outcome.detail) : null
        return Number(named?.[1]) === expected + 1
          ? { kind: 'committed', sequence: expected + 1, bytes: 100 }
          : outcome
      },
    }),
  },
  'ratchet the clock': {
    clock: (clock) => {
      let newestMs = 0
      return {
        nowMs: () => (newestMs = Math.max(newestMs, clock.nowMs())),
        errorMs: () => clock.errorMs(),
        monotonicMs: () => clock.monotonicMs(),
        wallMs: () => clock.wallMs(),
        after: (delayMs, callback) => clock.after(delayMs, callback),
        soon: (callback) => clock.soon(callback),
      }
    },
  },
  ...Object.fromEntries(Object.keys(edits).map((name) => [name, {}])),
}

function around<T, K extends keyof T>(prototype: T, name: K, make: (before: T[K]) => T[K]): void {
  prototype[name] = make(prototype[name])
}
