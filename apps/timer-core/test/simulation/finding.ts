// What is told of a seed that went wrong.

import { run, type Report, type RunOptions } from './run.ts'
import { scenarioOf, type Plan, type Scenario } from './scenario.ts'
import { keepOnly, partsOf, shrink } from './shrink.ts'

export interface Finding {
  readonly seed: number
  readonly text: string
}

export interface SeedReport {
  readonly seed: number
  readonly counts: readonly (readonly [string, number])[]
  readonly finding?: Finding
}

export interface SeedOptions {
  /** Runs it a second time: the trace must be the same. */
  readonly twice: boolean
  /** Leaves everything else of the scenario out. */
  readonly only?: readonly string[] | undefined
  readonly shrinks: boolean
  readonly bug?: string | undefined
}

const shrinkRuns = 150

export async function trySeed(
  seed: number,
  options: SeedOptions,
  runOptions: RunOptions,
): Promise<SeedReport> {
  const whole = scenarioOf(seed)
  const scenario = options.only === undefined ? whole : keepOnly(whole, options.only)
  const report = await run(scenario, runOptions)
  const counts = [...report.counts]
  if (report.violations.length > 0) {
    const text = await describe(scenario, report, options, runOptions)
    return { seed, counts, finding: { seed, text } }
  }
  if (options.twice) {
    const again = await run(scenario, runOptions)
    if (again.hash !== report.hash) {
      const text = `Seed ${seed} does not replay: trace ${report.hash}, then ${again.hash}\n`
      return { seed, counts, finding: { seed, text } }
    }
  }
  return { seed, counts }
}

async function describe(
  scenario: Scenario,
  report: Report,
  { shrinks, bug }: SeedOptions,
  runOptions: RunOptions,
): Promise<string> {
  const { seed } = scenario
  const [first] = report.violations
  const goesWrong = async (smaller: Scenario): Promise<boolean> =>
    (await run(smaller, runOptions)).violations.some(({ rule }) => rule === first?.rule)
  const smallest = shrinks ? await shrink(scenario, goesWrong, shrinkRuns) : scenario
  const last = shrinks ? await run(smallest, runOptions) : report
  const plant = bug === undefined ? '' : ` --plant '${bug}'`
  return [
    `Seed ${seed}: ${told(report)}`,
    `Smallest scenario found, which says: ${told(last)}`,
    `  ${smallest.nodes} nodes, ${smallest.partitionCount} partitions, whole after ${smallest.chaosMs.toFixed(0)} ms`,
    ...smallest.faults.map(
      ({ id, kind, atMs, forMs, node, client, partition, much }) =>
        `  f${id} at ${atMs.toFixed(0)} ${kind} for ${forMs.toFixed(0)} ms: ${node} api-${client} p${partition} ${much.toFixed(2)}`,
    ),
    ...smallest.questions.map(
      (plan) => `  q${plan.id} at ${plan.atMs.toFixed(0)} api-${plan.client} ${asks(plan)}`,
    ),
    'Its trace ends:',
    ...last.trace.map((line) => `  ${line}`),
    `Replay: npm run simulate -- --from ${seed} --seeds 1 --only ${partsOf(smallest).join(',')}${plant}`,
    '',
  ].join('\n')
}

function told({ violations: [first] }: Report): string {
  return first === undefined ? 'nothing' : `${first.rule}: ${first.what}`
}

function asks({ commands, get }: Plan): string {
  if (get !== undefined) return `get ${get.timer.timerId}, waits ${get.waitMs} ms`
  return commands.map(({ op, timer }) => `${op} ${timer.timerId}`).join(', ')
}
