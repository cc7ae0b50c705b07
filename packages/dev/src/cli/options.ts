// Every option of the command line, once: what it takes, and the words for it.

import type { ParseArgsOptionDescriptor } from 'node:util'

interface Option extends ParseArgsOptionDescriptor {
  /** What follows it; none for a switch. */
  readonly value?: string
  readonly about: string
}

export const options = {
  deadline: { type: 'string', value: '<instant>', about: 'due at this instant, as 2030-01-31T12:00:00Z' },
  idle: { type: 'boolean', about: 'do not start it yet' },
  new: { type: 'boolean', about: 'only if there is none of this id' },
  title: { type: 'string', value: '<text>', about: 'a title' },
  duration: { type: 'string', value: '<duration>', about: 'what reset returns to' },
  label: { type: 'string', multiple: true, value: '<key>=<value>', about: 'a label; may be repeated' },
  'remove-label': {
    type: 'string',
    multiple: true,
    value: '<key>',
    about: 'take a label away; may be repeated',
  },
  metadata: { type: 'string', value: '<json>', about: 'an object of your own; update merges it (RFC 7396)' },
  retention: { type: 'string', value: '<duration>', about: 'how long it is kept when completed' },
  within: { type: 'string', value: '<duration>', about: 'only if no more than this is left' },
  'max-deadline': { type: 'string', value: '<instant>', about: 'but never beyond this instant' },
  'if-version': { type: 'string', value: '<version>', about: 'only if this is its version still' },
  state: { type: 'string', value: '<state>', about: 'idle, running, paused or completed' },
  prefix: { type: 'string', value: '<text>', about: 'only ids that begin so' },
  limit: { type: 'string', value: '<n>', about: 'at most so many, to 500' },
  all: { type: 'boolean', about: 'all there are' },
  type: { type: 'string', value: '<type>', about: 'one type of event, as timer.completed' },
  follow: { type: 'boolean', short: 'f', about: 'go on with what happens next' },
  url: { type: 'string', value: '<url>', about: 'the service; else TIMERS_URL, else the one of `npm start`' },
  json: { type: 'boolean', about: 'print the JSON of the service, one item a line' },
  help: { type: 'boolean', short: 'h', about: 'show this' },
} as const satisfies Record<string, Option>

export type OptionName = keyof typeof options

/** Every command has these. */
export const common = ['url', 'json', 'help'] as const satisfies readonly OptionName[]

export function helpOn(names: readonly OptionName[]): string {
  const rows = names.map((name) => {
    const option: Option = options[name]
    const short = option.short === undefined ? '' : `-${option.short}, `
    return [`${short}--${name}${option.value === undefined ? '' : ` ${option.value}`}`, option.about] as const
  })
  return table(rows)
}

export function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n')
}
