// Every command: how it is written, and what it asks of the service. The one table that arguments.ts reads and
// `--help` shows; it sends nothing.

import type { Input } from './input.ts'
import type { OptionName } from './options.ts'

/** One request, whose answer is shown. */
export interface Ask {
  readonly kind: 'ask'
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Said when the answer has no body. */
  readonly done?: string
}

/** Page after page: of the timers, of one timer's history, of the tenant's feed. */
export interface Pages {
  readonly kind: 'pages'
  readonly of: 'timers' | 'history' | 'feed'
  readonly path: string
  readonly query: readonly (readonly [string, string])[]
  /** Not only the first page. */
  readonly all: boolean
  /** And then what happens next, until it is stopped. */
  readonly follow: boolean
}

export interface Watch {
  readonly kind: 'watch'
  /** Ends when each of them has ended; none: those with the prefix, until it is stopped. */
  readonly timerIds: readonly string[]
  readonly prefix: string | undefined
}

export type Task = Ask | Pages | Watch

export interface Command {
  readonly usage: string
  readonly about: string
  readonly options: readonly OptionName[]
  readonly read: (input: Input) => Task
}

const span = ['deadline'] as const
const contents = ['title', 'label', 'metadata'] as const

export const commands: Readonly<Record<string, Command>> = {
  put: {
    usage: 'put <id> <duration>',
    about: 'create a timer, or replace it; it starts at once',
    options: [...span, 'idle', 'new', ...contents, 'retention', 'if-version'],
    read(input) {
      const path = timer(input)
      const labels = input.labels()
      const body = {
        ...input.durationOr('duration', 'durationMs', 'deadline'),
        autostart: input.is('idle') ? false : undefined,
        title: input.text('title'),
        labels: labels.length > 0 ? Object.fromEntries(labels) : undefined,
        metadata: input.json(input.text('metadata'), '--metadata'),
        retentionMs: input.optionMs('retention'),
      }
      const headers = { ...ifVersion(input), ...(input.is('new') && { 'if-none-match': '*' }) }
      return { kind: 'ask', method: 'PUT', path, body, headers }
    },
  },
  get: {
    usage: 'get <id>',
    about: 'show a timer',
    options: [],
    read: (input) => ({ kind: 'ask', method: 'GET', path: timer(input) }),
  },
  list: {
    usage: 'list',
    about: 'show timers, oldest first',
    options: ['state', 'label', 'prefix', 'limit', 'all'],
    read(input) {
      const all = input.is('all')
      const query = [
        ...given('state', input.text('state')),
        ...input.labels().map(([key, value]) => ['label', `${key}:${value}`] as const),
        ...given('prefix', input.text('prefix')),
        ...given('limit', input.whole('limit') ?? (all ? 500 : undefined)),
      ]
      return { kind: 'pages', of: 'timers', path: '/v1/timers', query, all, follow: false }
    },
  },
  update: {
    usage: 'update <id>',
    about: 'change its words or its duration, never its clock',
    options: ['duration', ...contents, 'remove-label', 'if-version'],
    read(input) {
      const path = timer(input)
      const labels = [...input.labels(), ...input.texts('remove-label').map((key) => [key, null] as const)]
      const body = {
        durationMs: input.optionMs('duration'),
        title: input.text('title'),
        labels: labels.length > 0 ? Object.fromEntries(labels) : undefined,
        metadata: input.json(input.text('metadata'), '--metadata'),
      }
      return { kind: 'ask', method: 'PATCH', path, body, headers: ifVersion(input) }
    },
  },
  start: bare('start', 'let it run, also a paused one'),
  pause: bare('pause', 'stop its clock; start goes on'),
  reset: bare('reset', 'back to its whole duration, not running'),
  restart: bare('restart', 'back to its whole duration, and running'),
  set: {
    usage: 'set <id> <duration>',
    about: 'set the time that is left',
    options: [...span, 'if-version'],
    read: (input) => change(input, 'set', () => input.durationOr('duration', 'remainingMs', 'deadline')),
  },
  add: {
    usage: 'add <id> <duration>',
    about: 'add time, or take some away: -10s',
    options: ['if-version'],
    read: (input) => change(input, 'add', () => ({ byMs: input.durationMs('duration') })),
  },
  multiply: {
    usage: 'multiply <id> <factor>',
    about: 'multiply the time that is left',
    options: ['if-version'],
    read: (input) => change(input, 'multiply', () => ({ factor: input.number('factor') })),
  },
  extend: {
    usage: 'extend <id> <duration> --within <duration>',
    about: 'add time only if little is left, as a bid at an auction does',
    options: ['within', 'max-deadline', 'if-version'],
    read: (input) =>
      change(input, 'extend-if-within', () => {
        const byMs = input.durationMs('duration')
        const windowMs = input.optionMs('within')
        if (windowMs === undefined) input.faults.push('--within is missing')
        return { windowMs, byMs, maxDeadline: input.text('max-deadline') }
      }),
  },
  delete: {
    usage: 'delete <id>',
    about: 'delete it; its history stays',
    options: ['if-version'],
    read: (input) => ({
      kind: 'ask',
      method: 'DELETE',
      path: timer(input),
      headers: ifVersion(input),
      done: 'deleted',
    }),
  },
  watch: {
    usage: 'watch <id>…',
    about: 'show the count live, until all have ended, and how late they were',
    options: ['prefix'],
    read(input) {
      const timerIds = input.words()
      const prefix = input.text('prefix')
      if (timerIds.length === 0 && prefix === undefined) input.faults.push('<id> or --prefix is missing')
      if (timerIds.length > 0 && prefix !== undefined) input.faults.push('give <id> or --prefix, not both')
      return { kind: 'watch', timerIds, prefix }
    },
  },
  events: {
    usage: 'events [<id>]',
    about: 'show what happened to a timer, also to a deleted one; or to all, the last 7 days',
    options: ['type', 'prefix', 'follow'],
    read(input) {
      const [id, ...more] = input.words()
      for (const word of more) input.faults.push(`there is nothing to do with: ${word}`)
      const query = [...given('type', input.text('type')), ...given('prefix', input.text('prefix'))]
      const follow = input.is('follow')
      if (id === undefined) return { kind: 'pages', of: 'feed', path: '/v1/events', query, all: true, follow }
      if (query.length > 0 || follow) input.faults.push('--type, --prefix and --follow are for all timers')
      const path = `/v1/timers/${encodeURIComponent(id)}/events`
      return { kind: 'pages', of: 'history', path, query: [['limit', '500']], all: true, follow: false }
    },
  },
  send: {
    usage: 'send <id> <kind> <json>',
    about: 'tell something to those who watch a timer, or with --all (and no id) to all viewers',
    options: ['all'],
    read(input) {
      const path = input.is('all') ? '/v1/messages' : `${timer(input)}/messages`
      const kind = input.word('kind')
      const data = input.json(input.word('json'), '<json>')
      return { kind: 'ask', method: 'POST', path, body: { kind, data }, done: 'sent' }
    },
  },
  stats: {
    usage: 'stats',
    about: 'count the timers',
    options: [],
    read: () => ({ kind: 'ask', method: 'GET', path: '/v1/stats' }),
  },
}

function timer(input: Input): string {
  return `/v1/timers/${encodeURIComponent(input.word('id'))}`
}

function change(input: Input, verb: string, read: () => unknown): Ask {
  const path = `${timer(input)}/${verb}`
  return { kind: 'ask', method: 'POST', path, body: read(), headers: ifVersion(input) }
}

function bare(verb: string, about: string): Command {
  return {
    usage: `${verb} <id>`,
    about,
    options: ['if-version'],
    read: (input) => ({
      kind: 'ask',
      method: 'POST',
      path: `${timer(input)}/${verb}`,
      headers: ifVersion(input),
    }),
  }
}

function ifVersion(input: Input): Record<string, string> {
  const version = input.whole('if-version')
  return version === undefined ? {} : { 'if-match': `"${version}"` }
}

function given(name: string, value: string | number | undefined): (readonly [string, string])[] {
  return value === undefined ? [] : [[name, String(value)]]
}
