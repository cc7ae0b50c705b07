// The words after a command, taken one by one. It gathers every fault instead of stopping at the first.

import { parseDuration } from './duration.ts'
import type { OptionName } from './options.ts'

export type Values = Readonly<Partial<Record<OptionName, string | boolean | (string | boolean)[]>>>

export class Input {
  readonly faults: string[] = []
  readonly #words: string[]
  readonly #values: Values

  constructor(words: readonly string[], values: Values) {
    this.#words = [...words]
    this.#values = values
  }

  /** The next word; a fault when there is none. */
  word(name: string): string {
    const word = this.#words.shift()
    if (word === undefined || word === '') this.faults.push(`<${name}> is missing`)
    return word ?? ''
  }

  /** All that is left. */
  words(): string[] {
    return this.#words.splice(0)
  }

  /** The next word as milliseconds. */
  durationMs(name: string): number {
    const word = this.word(name)
    return word === '' ? 0 : this.#toMs(word, `<${name}>`)
  }

  /** The next word as milliseconds, or the option in its place. */
  durationOr(name: string, field: string, option: 'deadline'): Record<string, number | string> {
    const instead = this.text(option)
    if (instead === undefined) return { [field]: this.durationMs(name) }
    if (this.#words.length > 0) this.faults.push(`give <${name}> or --${option}, not both`)
    this.words()
    return { [option]: instead }
  }

  number(name: string): number {
    const word = this.word(name)
    const number = Number(word)
    if (word !== '' && (word.trim() === '' || !Number.isFinite(number)))
      this.faults.push(`<${name}> must be a number: ${word}`)
    return number
  }

  json(text: string | undefined, name: string): unknown {
    if (text === undefined || text === '') return undefined
    try {
      return JSON.parse(text)
    } catch {
      this.faults.push(`${name} must be JSON (a text has double quotes of its own): ${text}`)
      return undefined
    }
  }

  text(option: OptionName): string | undefined {
    const value = this.#values[option]
    return typeof value === 'string' ? value : undefined
  }

  texts(option: OptionName): string[] {
    const value = this.#values[option]
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
  }

  is(option: OptionName): boolean {
    return this.#values[option] === true
  }

  optionMs(option: OptionName): number | undefined {
    const text = this.text(option)
    return text === undefined ? undefined : this.#toMs(text, `--${option}`)
  }

  whole(option: OptionName): number | undefined {
    const text = this.text(option)
    if (text === undefined) return undefined
    if (!/^\d{1,15}$/.test(text)) this.faults.push(`--${option} must be a whole number: ${text}`)
    return Number(text)
  }

  /** `key=value` of each --label. */
  labels(): [key: string, value: string][] {
    return this.texts('label').map((text) => {
      const equals = text.indexOf('=')
      if (equals < 1) this.faults.push(`--label must be <key>=<value>: ${text}`)
      return [text.slice(0, Math.max(0, equals)), text.slice(equals + 1)]
    })
  }

  /** Words that nobody took are faults too. */
  end(): void {
    for (const word of this.words()) this.faults.push(`there is nothing to do with: ${word}`)
  }

  #toMs(text: string, name: string): number {
    const ms = parseDuration(text)
    if (ms === undefined)
      this.faults.push(`${name} must be a duration, as 90s, 5m, 1h30m, 1500ms or 1500: ${text}`)
    return ms ?? 0
  }
}
