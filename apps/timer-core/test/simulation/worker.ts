// One of the processes that simulate.ts shares the seeds among. Tells of each seed as it is done.

import { trySeed, type SeedOptions, type SeedReport } from './finding.ts'
import { bugs } from './planted/bugs.ts'

export interface Work {
  readonly from: number
  readonly count: number
  readonly options: SeedOptions
}

export type Word = { readonly kind: 'seed'; readonly report: SeedReport } | { readonly kind: 'idle' }

function say(word: Word): void {
  process.send?.(word)
}

async function work({ from, count, options }: Work): Promise<void> {
  const planted = options.bug === undefined ? undefined : bugs[options.bug]
  planted?.patch?.()
  for (let seed = from; seed < from + count; seed += 1) {
    const report = await trySeed(seed, options, { planted })
    say({ kind: 'seed', report })
    if (report.finding !== undefined) break
  }
  say({ kind: 'idle' })
}

process.on('message', (message: Work) => void work(message))
say({ kind: 'idle' })
