// What happened in a run, line by line: a hash over all of it, and the last lines for whoever reads a violation.

const kept = 400

export class Trace {
  readonly #nowMs: () => number
  readonly #all: boolean
  #lines: string[] = []
  #hash = 0x81_1c_9d_c5

  /** `all`: keeps every line. */
  constructor(options: { readonly all: boolean }, deps: { readonly nowMs: () => number }) {
    this.#all = options.all
    this.#nowMs = deps.nowMs
  }

  add(who: string, what: string): void {
    const line = `${this.#nowMs().toFixed(3).padStart(10)} ${who.padEnd(10)} ${what}`
    this.mix(line)
    this.#lines.push(line)
    if (!this.#all && this.#lines.length >= 2 * kept) this.#lines = this.#lines.slice(-kept)
  }

  /** Into the hash only. */
  mix(text: string): void {
    let hash = this.#hash
    for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01_00_01_93)
    this.#hash = hash
  }

  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0')
  }

  get tail(): readonly string[] {
    return this.#all ? this.#lines : this.#lines.slice(-kept)
  }
}
