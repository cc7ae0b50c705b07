// Times by what they are of, and their table.

export class Times {
  readonly #byName = new Map<string, number[]>()

  add(name: string, ms: number): void {
    const all = this.#byName.get(name)
    if (all === undefined) this.#byName.set(name, [ms])
    else all.push(ms)
  }

  p99(name: string): number | undefined {
    const all = this.#byName.get(name)
    return all && quantile(all, 0.99)
  }

  /** One line for each. */
  table(): string {
    const rows = [...this.#byName].map(([name, all]) => [
      name,
      ...[0.5, 0.99, 1].map((share) => `${Math.round(quantile(all, share))}`),
      String(all.length),
    ])
    const lines = [['ms', 'p50', 'p99', 'most', 'times'], ...rows]
    const widths = [0, 1, 2, 3, 4].map((column) =>
      Math.max(...lines.map((line) => (line[column] ?? '').length)),
    )
    return lines
      .map((line) =>
        line
          .map((cell, column) =>
            column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
          )
          .join('  '),
      )
      .join('\n')
  }
}

function quantile(all: readonly number[], share: number): number {
  const sorted = all.toSorted((a, b) => a - b)
  return sorted[Math.ceil(share * (sorted.length - 1))] ?? NaN
}
