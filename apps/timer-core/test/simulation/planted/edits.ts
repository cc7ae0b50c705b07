// Planted bugs for which the code under test has no seam: a line of its text, and what stands in its place. Imports
// nothing of the code under test, which must not be loaded before they are made.

export interface Edit {
  /** Under src. */
  readonly file: string
  /** Must be there once. */
  readonly from: string
  readonly to: string
}

export const edits: Readonly<Record<string, Edit>> = {
  'purge too early': {
    file: 'snapshot/rules.ts',
    from: 'return isSettled ? snapshotBefore : 0',
    to: 'return snapshotBefore',
  },
  "delete others' snapshots": {
    file: 'snapshot/keeper.ts',
    from: 'if (sequence < bound) await',
    to: 'if (sequence !== this.#named) await',
  },
  'answer no-ops at once': {
    file: 'partition/commit-loop.ts',
    from: 'const needsBeat = asked && !confirmation.holds',
    to: 'const needsBeat = reader.asked && heldForMs === 0 && !confirmation.holds',
  },
  'serve reads without a Beat': {
    file: 'partition/reader.ts',
    from: 'else if (answering) told(undefined)',
    to: 'else if (serving) told(undefined)',
  },
  'judge a command before the overdue fire': {
    file: 'timer/judge.ts',
    from: "command.operation.op !== 'fire' && isDue(current, nowMs)",
    to: 'false',
  },
}
