// What a *.bench.ts measures with: ours and, where there is one, the floor it is held against, taking turns in
// one process, so that what else the machine does hits both. Shows and stores medians; judges no machine.
//
// A bench file is a program: it calls `await bench({…})` at its top level, as often as it has something to tell.

import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

/** `ratio` is ours / floor. */
export interface Goal {
  readonly of: 'ours' | 'ratio'
  readonly is: '≥' | '≤'
  readonly value: number
}

export interface Row {
  readonly unit: string
  /** Without one the row is only shown. */
  readonly goal?: Goal
  readonly note?: string
}

export interface BenchOptions<K extends string> {
  readonly name: string
  /** What a run of `ours` (and perhaps of `floor`) gives; each is a row named `<name>.<key>`. */
  readonly rows: Readonly<Record<K, Row>>
  readonly ours: () => Measures<K> | Promise<Measures<K>>
  readonly floor?: () => Partial<Measures<K>> | Promise<Partial<Measures<K>>>
  /** How often each of the two runs: at least 3, else a median says nothing. */
  readonly pairs?: number
}
type Measures<K extends string> = Readonly<Record<K, number>>

/** What bench/results/<name>.json holds; `ours` and `floor` are medians over the pairs. */
export interface BenchResult {
  readonly name: string
  readonly unit: string
  readonly ours: number
  readonly floor: number | null
  readonly ratio: number | null
  readonly goal: string | null
  readonly met: boolean | null
  readonly pairs: readonly { readonly ours: number; readonly floor: number | null }[]
  readonly note?: string
  readonly node: string
  readonly cpus: number
}

export async function bench<K extends string>(options: BenchOptions<K>): Promise<void> {
  const { name, rows, ours, floor, pairs = 3 } = options
  if (pairs < 3) throw new RangeError('A median needs at least 3 pairs')
  const runs: { ours: Measures<K>; floor: Partial<Measures<K>> }[] = []
  for (let n = 1; n <= pairs; n++) {
    const measure = async <M extends object>(side: string, run: () => M | Promise<M>): Promise<M> => {
      globalThis.gc?.()
      const measures = await run()
      const told = Object.entries(measures).map(([key, value]) => `${key} ${shown(Number(value))}`)
      console.error(`${name} ${n}/${pairs} ${side}: ${told.join(', ')}`)
      return measures
    }
    // The first to run has the cooler machine: every other pair begins with ours.
    const first = floor !== undefined && n % 2 === 1 ? await measure('floor', floor) : undefined
    const own = await measure('ours ', ours)
    runs.push({ ours: own, floor: first ?? (floor === undefined ? {} : await measure('floor', floor)) })
  }
  for (const key of Object.keys(rows) as K[]) {
    const values = runs.map((run) => ({ ours: run.ours[key], floor: run.floor[key] ?? null }))
    tell(resultOf(`${name}.${key}`, rows[key], values))
  }
}

/** Bytes of everything alive: JavaScript's heap and array buffers. Needs --expose-gc. */
export function usedBytes(): number {
  if (globalThis.gc === undefined) throw new Error('Run it with node --expose-gc')
  globalThis.gc()
  globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** The value that `share` (0 to 1) of them do not exceed. */
export function percentile(values: Float64Array, share: number): number {
  return values.toSorted()[Math.min(values.length - 1, Math.floor(values.length * share))] ?? NaN
}

/** A number for a person. */
export function shown(value: number): string {
  const digits = Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 10 ? 1 : 3
  return value.toLocaleString('en', { maximumFractionDigits: digits })
}

/** Medians over the pairs, and whether they reach the goal. */
export function resultOf(name: string, { unit, goal, note }: Row, pairs: BenchResult['pairs']): BenchResult {
  const ours = median(pairs.map((pair) => pair.ours))
  const floors = pairs.map((pair) => pair.floor).filter((value) => value !== null)
  const floor = floors.length === 0 ? null : median(floors)
  const ratio = floor === null || floor <= 0 ? null : ours / floor
  const judged = goal?.of === 'ratio' ? ratio : ours
  return {
    name,
    unit,
    ours,
    floor,
    ratio,
    goal: goal === undefined ? null : `${goal.of} ${goal.is} ${goal.value}`,
    met: goal === undefined || judged === null ? null : reaches(judged, goal),
    pairs,
    ...(note === undefined ? {} : { note }),
    node: process.version,
    cpus: availableParallelism(),
  }
}

function reaches(measured: number, { is, value }: Goal): boolean {
  return is === '≥' ? measured >= value : measured <= value
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2
}

/** To the file, and to `npm run bench` when that runs us. */
function tell(result: BenchResult): void {
  const directory = fileURLToPath(new URL('../../../bench/results/', import.meta.url))
  mkdirSync(directory, { recursive: true })
  writeFileSync(`${directory}${result.name}.json`, `${JSON.stringify(result, undefined, 2)}\n`)
  process.send?.(result)
}
