// `npm run simulate`: runs seeds until one goes wrong. Says how far it is, ends with one line of totals; a violation
// is printed with its smallest scenario, its trace and how to replay it, and makes the exit code 1.

import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { simulate } from './crew.ts'
import { bugs } from './planted/bugs.ts'

const usage = `npm run simulate -- [--seeds N] [--from S] [--twice] [--workers W] [--only f1,q2,…] [--plant BUG]
  --twice   run each seed twice and compare the traces
  --only    leave out all other faults and questions of the scenario, as a replay line says it
  --plant   put in one of: ${Object.keys(bugs).join(', ')}
`
const progressEveryMs = 2000

function wholeNumber(text: string, name: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`--${name} ${text}: not a whole number`)
  return number
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      workers: { type: 'string', default: `${availableParallelism()}` },
      twice: { type: 'boolean', default: false },
      only: { type: 'string' },
      plant: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    return
  }
  if (values.plant !== undefined && !Object.hasOwn(bugs, values.plant))
    throw new Error(`Unknown bug\n${usage}`)
  const seeds = wholeNumber(values.seeds, 'seeds')
  const startedAtMs = performance.now()
  let toldAtMs = startedAtMs
  const outcome = await simulate(
    {
      seeds,
      from: wholeNumber(values.from, 'from'),
      workers: wholeNumber(values.workers, 'workers'),
      twice: values.twice,
      only: values.only?.split(','),
      shrinks: values.only === undefined,
      bug: values.plant,
    },
    {
      progress(done) {
        if (performance.now() - toldAtMs < progressEveryMs) return
        toldAtMs = performance.now()
        process.stderr.write(`${done} of ${seeds} seeds, ${((toldAtMs - startedAtMs) / 1000).toFixed(0)} s\n`)
      },
    },
  )
  if (outcome.finding !== undefined) {
    process.stdout.write(outcome.finding.text)
    process.exitCode = 1
  }
  const counted = [...outcome.counts].map(([what, count]) => `${what} ${count}`).join(', ')
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1)
  const found = outcome.finding === undefined ? 'no violation' : '1 violation'
  process.stdout.write(`${outcome.seeds} seeds in ${seconds} s: ${found}; ${counted}\n`)
}

await main()
