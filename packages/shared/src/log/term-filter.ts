// The one rule of what counts in a log: a record does only if its term is that of the newest Takeover
// before it. Pure; core, gateway and persistence all read through it, and none has another rule.

import type { LogRecord } from './record.ts'

export class TermFilter {
  #term: string | undefined
  #skipped = 0

  /** `term`: the one in force where reading starts; undefined admits nothing before a Takeover. */
  constructor(term: string | undefined) {
    this.#term = term
  }

  get term(): string | undefined {
    return this.#term
  }

  /** Records that did not count. */
  get skipped(): number {
    return this.#skipped
  }

  /** Ask once per record, in the order of the log. */
  admits(record: { readonly term: string; readonly body: Pick<LogRecord['body'], 'kind'> }): boolean {
    if (record.body.kind === 'takeover') this.#term = record.term
    if (record.term === this.#term) return true
    this.#skipped += 1
    return false
  }
}
