// The gateway's words: each message of the server as its viewers get it. Whatever comes from a timer or a
// client goes through JSON; nothing else in the gateway writes text.

import type { Tick, ViewerMessage } from '@timers/shared/cluster/live.ts'
import type { Refusal } from '@timers/shared/errors.ts'
import type { Cause, EventType } from '@timers/shared/timer/event.ts'
import { eventTypeName } from '@timers/shared/timer/event-json.ts'
import { instant, timerJsonText } from '@timers/shared/timer/timer-json.ts'
import type { Timer } from '@timers/shared/timer/timer.ts'
import { Message } from './message.ts'

/** What the JSON around a timer weighs, and one of its labels; its longer texts are on top. */
const timerWeight = 512
const labelWeight = 64
const smallWeight = 256

/** One that has no text of a timer in it. `nowMs`: cluster time. */
export function say(name: string, nowMs: number, fields: object): Message {
  const text = JSON.stringify({ type: name, at: instant(nowMs), ...fields })
  return new Message({ name, weight: text.length }, () => text)
}

export function goodbye(nowMs: number, code: number, retryAfterMs: number | undefined): Message {
  return say('goodbye', nowMs, { code, retryAfterMs })
}

export interface ErrorAbout {
  readonly requestId?: string | undefined
  readonly subscriptionId?: string
}

export function refused(nowMs: number, about: ErrorAbout, refusal: Refusal): Message {
  const { code, detail, retryAfterMs, errors } = refusal
  return say('error', nowMs, { ...about, code, detail, retryAfterMs, errors })
}

/** Why a viewer is told of a change. */
export interface Why {
  readonly type: EventType
  /** Undefined where events were lost and the owner was asked for the state: it may stand for several. */
  readonly cause: Cause | undefined
}

function why({ type, cause }: Why): string {
  return JSON.stringify({ type: eventTypeName(type), actor: cause?.actor, requestId: cause?.requestId })
}

export function changed(nowMs: number, dataId: string, timer: Timer, cause: Why): Message {
  const options = { name: 'timer', weight: weightOf(timer), eventId: `${dataId}:${timer.version}` }
  return new Message(
    options,
    () => `{"type":"timer","at":"${instant(nowMs)}","timer":${timerJsonText(timer)},"cause":${why(cause)}}`,
  )
}

export function deleted(
  nowMs: number,
  dataId: string,
  timerId: string,
  version: number,
  cause: Why,
): Message {
  const options = { name: 'deleted', weight: smallWeight, eventId: `${dataId}:${version}` }
  return new Message(options, () => {
    const head = JSON.stringify({ type: 'deleted', at: instant(nowMs), timerId, version }).slice(0, -1)
    return `${head},"cause":${why(cause)}}`
  })
}

export function ticked(nowMs: number, { timerId, version, remainingMs }: Tick): Message {
  return new Message({ name: 'tick', weight: smallWeight }, () =>
    JSON.stringify({ type: 'tick', at: instant(nowMs), timerId, version, remainingMs }),
  )
}

export function relayed(nowMs: number, { timerId, kind, data }: ViewerMessage): Message {
  const head = JSON.stringify({ type: 'message', at: instant(nowMs), timerId, kind }).slice(0, -1)
  return new Message({ name: 'message', weight: smallWeight + data.length }, () => `${head},"data":${data}}`)
}

/** What a viewer gets of a new subscription. */
export interface Joined {
  readonly subscriptionId: string
  /** What the viewer said it holds was taken into account. */
  readonly recovered: boolean
  readonly timers: readonly Timer[]
  readonly deleted: readonly string[]
  readonly missing: readonly string[]
}

export interface PageOptions {
  readonly pageTimers: number
  /** Of a stream of one timer: the place to resume from. */
  readonly eventId?: string
}

/** At least one page; the timers of each are made text when it is sent, so that a snapshot is never all text. */
export function pages(
  nowMs: number,
  name: 'ack' | 'snapshot',
  fields: object,
  joined: Pick<Joined, 'timers' | 'deleted' | 'missing'>,
  options: PageOptions,
): Message[] {
  const { timers } = joined
  const messages: Message[] = []
  let from = 0
  do {
    const page = timers.slice(from, (from += options.pageTimers))
    const more = from < timers.length
    const rest = {
      ...(name === 'ack' && { deleted: more ? [] : joined.deleted }),
      missing: more ? [] : joined.missing,
      more,
    }
    const head = JSON.stringify({ type: name, at: instant(nowMs), ...fields }).slice(0, -1)
    const tail = JSON.stringify(rest).slice(1)
    const weight = page.reduce((sum, timer) => sum + weightOf(timer), smallWeight)
    messages.push(
      new Message(
        { name, weight, ...(options.eventId !== undefined && { eventId: options.eventId }) },
        () => `${head},"timers":[${page.map(timerJsonText).join(',')}],${tail}`,
      ),
    )
  } while (from < timers.length)
  return messages
}

function weightOf(timer: Timer): number {
  const labels = Object.keys(timer.labels).length
  return timerWeight + timer.metadata.length + timer.title.length + labels * labelWeight
}
