// `npm run bench [-- <part of a path> …]`: runs every *.bench.ts, or those that match, one after the other, each in
// a process of its own, and shows their rows in one table. It fails when a bench breaks, not when a goal is missed:
// that is for a reader to judge, who knows the machine.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { shown, type BenchResult } from './bench-kit.ts'
import { globalSetup } from './test-setup.ts'

/** A bench that takes longer hangs. */
const longestMs = 15 * 60_000
const root = fileURLToPath(new URL('../../../', import.meta.url))

const filters = process.argv.slice(2)
const files = globSync(
  ['apps/*/{src,test}/**/*.bench.ts', 'packages/*/src/**/*.bench.ts', 'e2e/**/*.bench.ts'],
  { cwd: root },
)
  .filter((file) => filters.length === 0 || filters.some((part) => file.includes(part)))
  .sort()
if (files.length === 0) {
  console.error(`No bench has ${filters.join(' or ')} in its path.`)
  process.exitCode = 1
} else {
  await globalSetup()
  const results: BenchResult[] = []
  const broken: string[] = []
  for (const [index, file] of files.entries()) {
    console.error(`\n[${index + 1}/${files.length}] ${file}`)
    if (!(await run(file, results))) broken.push(file)
  }
  console.log(table(results))
  for (const file of broken) console.log(`BROKEN: ${file}`)
  process.exitCode = broken.length === 0 ? 0 : 1
}

async function run(file: string, results: BenchResult[]): Promise<boolean> {
  const child = spawn(process.execPath, ['--expose-gc', file], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    timeout: longestMs,
    killSignal: 'SIGKILL',
  })
  child.on('message', (result) => results.push(result as BenchResult))
  const [code] = (await once(child, 'close')) as [number | null]
  return code === 0
}

function table(results: readonly BenchResult[]): string {
  const head = ['', 'ours', 'floor', 'ratio', 'goal', '']
  const rows = results.map(({ name, unit, ours, floor, ratio, goal, met }) => [
    name,
    `${shown(ours)} ${unit}`,
    floor === null ? '–' : `${shown(floor)} ${unit}`,
    ratio === null ? '–' : `${shown(ratio)}×`,
    goal ?? '–',
    met === null ? '' : met ? 'met' : 'MISSED',
  ])
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => (row[column] ?? '').length)),
  )
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd()
  const notes = results.flatMap(({ name, note }) => (note === undefined ? [] : [`${name}: ${note}`]))
  return ['', line(head), ...rows.map(line), '', ...notes].join('\n')
}
