// A scenario that goes wrong, without what it does not need for it.

import type { Scenario } from './scenario.ts'

/** What can be left out of a scenario, by name: q12 a question, f3 a fault. */
export function partsOf({ questions, faults }: Scenario): string[] {
  return [...faults.map(({ id }) => `f${id}`), ...questions.map(({ id }) => `q${id}`)]
}

export function keepOnly(scenario: Scenario, parts: Iterable<string>): Scenario {
  const kept = new Set(parts)
  return {
    ...scenario,
    questions: scenario.questions.filter(({ id }) => kept.has(`q${id}`)),
    faults: scenario.faults.filter(({ id }) => kept.has(`f${id}`)),
  }
}

/** Fewer parts that still go wrong, after at most so many runs. */
export async function shrink(
  scenario: Scenario,
  goesWrong: (scenario: Scenario) => Promise<boolean>,
  runsMost: number,
): Promise<Scenario> {
  let parts = partsOf(scenario)
  let runs = 0
  for (let size = Math.ceil(parts.length / 2); size >= 1 && runs < runsMost;) {
    let smaller: string[] | undefined
    for (let at = 0; at < parts.length && smaller === undefined && runs < runsMost; at += size) {
      const without = [...parts.slice(0, at), ...parts.slice(at + size)]
      runs += 1
      if (await goesWrong(keepOnly(scenario, without))) smaller = without
    }
    if (smaller !== undefined) parts = smaller
    else if (size === 1) break
    size = Math.max(1, Math.min(smaller === undefined ? Math.floor(size / 2) : size, parts.length))
  }
  return keepOnly(scenario, parts)
}
