// Shares seeds among processes, one a core, and gathers what they tell. Ends with the first finding.

import { fork, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { Finding, SeedOptions } from './finding.ts'
import type { Word, Work } from './worker.ts'

export interface CrewOptions extends SeedOptions {
  readonly from: number
  readonly seeds: number
  readonly workers: number
}

export interface Outcome {
  readonly seeds: number
  readonly counts: ReadonlyMap<string, number>
  readonly finding: Finding | undefined
}

/** Seeds a worker takes at a time. */
const atATime = 10

export async function simulate(
  { from, seeds, workers, ...options }: CrewOptions,
  deps: { readonly progress: (done: number) => void },
): Promise<Outcome> {
  const counts = new Map<string, number>()
  let next = from
  let done = 0
  let finding: Finding | undefined
  const heard = (word: Word, worker: ChildProcess): void => {
    if (word.kind === 'seed') {
      const { report } = word
      done += 1
      for (const [what, count] of report.counts) counts.set(what, (counts.get(what) ?? 0) + count)
      finding ??= report.finding
      deps.progress(done)
      return
    }
    const count = Math.min(atATime, from + seeds - next)
    if (count <= 0 || finding !== undefined) {
      worker.disconnect()
      return
    }
    worker.send({ from: next, count, options } satisfies Work)
    next += count
  }
  await Promise.all(Array.from({ length: Math.min(workers, seeds) }, () => ended(start(options.bug), heard)))
  return { seeds: done, counts, finding }
}

function start(bug: string | undefined): ChildProcess {
  const here = import.meta.dirname
  const plant = bug === undefined ? [] : ['--import', join(here, 'planted/plant.ts')]
  return fork(join(here, 'worker.ts'), {
    execArgv: plant,
    env: { ...process.env, ...(bug && { PLANTED: bug }) },
  })
}

function ended(worker: ChildProcess, heard: (word: Word, worker: ChildProcess) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.on('message', (word: Word) => {
      heard(word, worker)
    })
    worker.once('error', reject)
    worker.once('exit', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`A worker ended with ${String(code)}`))
    })
  })
}
