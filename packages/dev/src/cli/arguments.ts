// The command line → what is asked for. Pure: every fault of it is told at once, as a UsageError.

import { parseArgs } from 'node:util'
import { commands, type Command, type Task } from './commands.ts'
import { Input, type Values } from './input.ts'
import { common, helpOn, options, table, type OptionName } from './options.ts'

export interface Invocation {
  /** undefined: the environment or run.json names the service. */
  readonly url: string | undefined
  readonly json: boolean
  readonly task: Task | { readonly kind: 'help'; readonly text: string }
}

/** Its message lists every fault. */
export class UsageError extends Error {}

const program = 'npm run -s timer --'

export function readArguments(args: readonly string[]): Invocation {
  const [name = 'help', ...rest] = args
  if (name === 'help' || name === '--help' || name === '-h')
    return { url: undefined, json: false, task: { kind: 'help', text: help() } }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) throw new UsageError(`there is no command ${name}\n${hint('--help')}`)
  const { words, values } = split(rest, command, name)
  const { url, json = false } = values as { url?: string; json?: boolean }
  if (values.help === true) return { url, json, task: { kind: 'help', text: helpOf(command) } }
  const input = new Input(words, values)
  const task = command.read(input)
  input.end()
  if (url !== undefined && !URL.canParse(url)) input.faults.push(`--url must be a URL: ${url}`)
  if (input.faults.length > 0) throw new UsageError([...input.faults, hint(`${name} --help`)].join('\n'))
  return { url, json, task }
}

function split(
  args: readonly string[],
  command: Command,
  name: string,
): { words: readonly string[]; values: Values } {
  // A negative duration is no option: it goes behind the options, where all is taken as words.
  const negative = /^-\d/
  const ordered = [
    ...args.filter((arg) => !negative.test(arg)),
    ...(args.includes('--') ? [] : ['--']),
    ...args.filter((arg) => negative.test(arg)),
  ]
  const known = Object.fromEntries([...command.options, ...common].map((option) => [option, options[option]]))
  try {
    const { values, positionals } = parseArgs({ args: ordered, options: known, allowPositionals: true })
    return { words: positionals, values }
  } catch (error) {
    // Its second sentence is about how to pass a word that looks like an option.
    const [first = ''] = (error as Error).message.split('. ')
    throw new UsageError(`${first}\n${hint(`${name} --help`)}`)
  }
}

function hint(words: string): string {
  return `see: ${program} ${words}`
}

function help(): string {
  const rows = Object.values(commands).map(({ usage, about }) => [usage, about] as const)
  return `A command line for the timers of a running service.

Usage: ${program} <command> … [options]

${table(rows)}

Durations: 90s, 5m, 1h30m, 1.5s, 1500ms, 2d; a bare number is milliseconds.

Options of every command (each has more: <command> --help):
${helpOn(common)}

Examples:
  ${program} put tea 3m --title 'Green tea' --label kitchen=yes
  ${program} watch tea
  ${program} add tea -30s
  ${program} put launch --deadline 2030-01-31T12:00:00Z
  ${program} list --state running --json | jq -r .id
  ${program} events tea
  ${program} send tea hello '{"from": "the kitchen"}'

Exit codes: 0 done · 1 refused · 2 the command line is wrong · 3 the service did not answer or is busy
`
}

function helpOf({ usage, about, options: own }: Command): string {
  const names: readonly OptionName[] = [...own, ...common]
  return `Usage: ${program} ${usage} [options]\n\n${about[0]?.toUpperCase() ?? ''}${about.slice(1)}.\n\n${helpOn(names)}\n`
}
