// The read model as lines of JSON, one document each, and back. Positions come first: documents that are newer than
// their position do no harm, older ones would be a loss.

import type { LoggedEvent } from '@timers/shared/timer/event.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'
import type { UnknownFields } from '@timers/shared/timer/unknown-fields.ts'
import type { GapEnd } from '../projection/feed.ts'
import type { StoredPosition } from '../projection/repository.ts'
import type { Documents, PoisonEntry, TimerEntry } from './documents.ts'

const format = 1

type Line =
  | { readonly readModel: { readonly format: number; readonly savedAtMs: number } }
  | { readonly position: StoredPosition }
  | { readonly gap: GapEnd }
  | { readonly poison: Omit<PoisonEntry, 'data'> & { readonly data: string } }
  | { readonly timer: TimerEntry }
  | { readonly event: LoggedEvent }

/** Lazily: between two lines the documents may change. */
export function* toLines(documents: Documents, savedAtMs: number): Generator<string> {
  const { positions, gaps, poison, timers, events } = documents
  yield line({ readModel: { format, savedAtMs } })
  for (const position of [...positions.values()]) yield line({ position })
  for (const gap of gaps) yield line({ gap })
  for (const { data, ...rest } of poison) {
    yield line({ poison: { ...rest, data: Buffer.from(data).toString('base64') } })
  }
  for (const entry of timers.values()) yield line({ timer: { ...entry, timer: packed(entry.timer) } })
  for (const event of events) yield line({ event: { ...event, timer: packed(event.timer) } })
}

/** Throws when a line is not one of ours. */
export function addLines(documents: Documents, lines: Iterable<string>): void {
  let begun = false
  for (const text of lines) {
    const parsed = JSON.parse(text) as Line
    if ('readModel' in parsed) {
      if (parsed.readModel.format !== format)
        throw new Error(`format ${parsed.readModel.format} is not known`)
      begun = true
    } else if (!begun) throw new Error('it does not begin as a read model')
    else addLine(documents, parsed)
  }
  if (!begun) throw new Error('it is empty')
}

function addLine(documents: Documents, parsed: Exclude<Line, { readModel: unknown }>): void {
  if ('position' in parsed) documents.positions.set(parsed.position.partition, parsed.position)
  else if ('gap' in parsed) documents.gaps.push(parsed.gap)
  else if ('poison' in parsed) {
    documents.poison.push({ ...parsed.poison, data: Buffer.from(parsed.poison.data, 'base64') })
  } else if ('timer' in parsed) {
    documents.addTimer({ ...parsed.timer, timer: unpacked(parsed.timer.timer) })
  } else documents.addEvent({ ...parsed.event, timer: unpacked(parsed.event.timer) })
}

function line(document: Line): string {
  return JSON.stringify(document)
}

/** Bytes as base64: only fields of a newer build have any. */
function packed(timer: Timer): Timer {
  return recoded(timer, (bytes) => Buffer.from(bytes as Uint8Array).toString('base64'))
}

function unpacked(timer: Timer): Timer {
  return recoded(timer, (text) => new Uint8Array(Buffer.from(text as string, 'base64')))
}

function recoded(timer: Timer, recode: (value: unknown) => unknown): Timer {
  if (timer.unknown === undefined) return timer
  const fields = Object.entries(timer.unknown).map(([tag, values]) => [tag, values.map(recode)] as const)
  return { ...timer, unknown: Object.fromEntries(fields) as unknown as UnknownFields }
}
