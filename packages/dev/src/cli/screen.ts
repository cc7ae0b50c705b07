// The terminal: lines that stay, and below them a few that are drawn again and again. In a pipe there are only
// lines that stay.

export interface Terminal {
  readonly isTTY?: boolean
  readonly rows?: number
  readonly columns?: number
  write(text: string): unknown
}

export class Screen {
  readonly #out: Terminal
  #lines: (() => readonly string[]) | undefined
  #drawn = 0

  constructor(out: Terminal) {
    this.#out = out
  }

  /** Whether lines can be drawn again. */
  get isLive(): boolean {
    return this.#out.isTTY === true
  }

  print(line: string): void {
    this.#out.write(`${this.#erased()}${printable(line)}\n`)
    this.draw()
  }

  /** Draws what `lines` gives, again and again until it is disposed of; then they are gone. */
  live(everyMs: number, lines: () => readonly string[]): Disposable {
    if (!this.isLive) return { [Symbol.dispose]: () => undefined }
    this.#lines = lines
    const interval = setInterval(() => {
      this.draw()
    }, everyMs)
    return {
      [Symbol.dispose]: () => {
        clearInterval(interval)
        this.#lines = undefined
        this.draw()
      },
    }
  }

  draw(): void {
    const { rows = 24, columns = 80 } = this.#out
    const all = this.#lines?.() ?? []
    const shown = all.length < rows ? all : [...all.slice(0, rows - 2), `… and ${all.length - rows + 2} more`]
    const text = shown.map((line) => `${printable(line).slice(0, columns - 1)}\n`).join('')
    if (text !== '' || this.#drawn > 0) this.#out.write(this.#erased() + text)
    this.#drawn = shown.length
  }

  /** What takes away the lines drawn last. */
  #erased(): string {
    const erased = this.#drawn === 0 ? '' : `\x1b[${this.#drawn}A\x1b[J`
    this.#drawn = 0
    return erased
  }
}

/** A title or label of somebody else's must not command our terminal. */
function printable(line: string): string {
  return line.replaceAll(/\p{Cc}/gu, '�')
}
