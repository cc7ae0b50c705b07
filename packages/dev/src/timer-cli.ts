// `npm run timer -- …`: timers from the command line, over the public API only. It ends with 0: done, 1: refused,
// 2: the command line is wrong, 3: the service did not answer or is busy, 130: interrupted.

import { fileURLToPath } from 'node:url'
import type { EventJson } from '@timers/shared/timer/event-json.ts'
import type { TimerJson } from '@timers/shared/timer/timer-json.ts'
import { readArguments, UsageError, type Invocation } from './cli/arguments.ts'
import type { Ask, Pages } from './cli/commands.ts'
import { readPages } from './cli/pages.ts'
import { Screen } from './cli/screen.ts'
import { findService, NotReached, Refused, Service } from './cli/service.ts'
import { eventLine, problemText, timerDetails, timerLine } from './cli/show.ts'
import { watch } from './cli/watch.ts'

interface Means {
  readonly service: Service
  readonly screen: Screen
  readonly json: boolean
  readonly signal: AbortSignal
}

async function run({ url, json, task }: Invocation, signal: AbortSignal): Promise<void> {
  const screen = new Screen(process.stdout)
  if (task.kind === 'help') {
    for (const line of task.text.trimEnd().split('\n')) screen.print(line)
    return
  }
  const runFile = fileURLToPath(new URL('../../../.data/run.json', import.meta.url))
  const service = new Service(findService(url, process.env['TIMERS_URL'], runFile))
  const means = { service, screen, json, signal }
  if (task.kind === 'watch') await watch(task, means)
  else if (task.kind === 'pages') await pages(task, means)
  else await ask(task, means)
}

async function ask(task: Ask, { service, screen, json, signal }: Means): Promise<void> {
  const response = await service.ask({ ...task, signal })
  const text = await response.text()
  if (text === '') {
    if (!json) screen.print(task.done ?? 'done')
    return
  }
  if (json) {
    screen.print(text)
    return
  }
  const answer = JSON.parse(text) as TimerJson | Stats
  if ('total' in answer) {
    const states = Object.entries(answer.byState).map(([state, count]) => `${count} ${state}`)
    screen.print(`${answer.total} in all: ${states.join(', ')}`)
  } else {
    screen.print(timerLine(answer, Date.parse(response.headers.get('server-time') ?? '')))
    if (task.method === 'GET') for (const line of timerDetails(answer)) screen.print(line)
  }
}

interface Stats {
  readonly total: number
  readonly byState: Readonly<Record<string, number>>
}

async function pages(task: Pages, { service, screen, json, signal }: Means): Promise<void> {
  const item = (value: unknown, nowMs: number): void => {
    if (json) screen.print(JSON.stringify(value))
    else if (task.of === 'timers') screen.print(timerLine(value as TimerJson, nowMs))
    else screen.print(eventLine(value as EventJson))
  }
  const more = await readPages(task, { service, signal, item })
  if (more) console.error('There are more: --all shows all.')
}

function fail(exitCode: number, text: string): void {
  process.exitCode = exitCode
  console.error(text)
}

const interrupted = new AbortController()
process.once('SIGINT', () => {
  process.exitCode = 130
  interrupted.abort()
})
// The reader of a pipe may have had enough.
process.stdout.once('error', () => {
  interrupted.abort()
})
try {
  await run(readArguments(process.argv.slice(2)), interrupted.signal)
} catch (error) {
  if (interrupted.signal.aborted) process.exitCode ??= 0
  else if (error instanceof UsageError) fail(2, error.message)
  else if (error instanceof NotReached) fail(3, error.message)
  else if (error instanceof Refused) fail(error.isBusy ? 3 : 1, problemText(error.problem))
  else throw error
}
