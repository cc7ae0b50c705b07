// If-Match and If-None-Match: exactly one strong tag or *. A version is its own tag.

import type { IncomingHttpHeaders } from 'node:http'
import type { Refusal } from '@timers/shared/errors.ts'

/** '*', or a version; 0 stands for a tag that is none of ours and so matches no version. */
export type Tag = '*' | number

export interface Conditions {
  readonly ifMatch?: Tag
  readonly ifNoneMatch?: Tag
}

/** Which of the two a route takes, and in which form. */
export interface TakenConditions {
  readonly ifMatch?: true
  /** `create`: only as *, which is to create only. */
  readonly ifNoneMatch?: true | 'create'
}

export function etag(version: number): string {
  return `"${version}"`
}

function readTag(text: string): Tag | undefined {
  if (text === '*') return '*'
  // What RFC 9110 allows within the quotes.
  if (!/^"[\x21\x23-\x7e\x80-\xff]*"$/.test(text)) return undefined
  const version = Number(/^"([1-9]\d{0,15})"$/.exec(text)?.[1] ?? 0)
  return Number.isSafeInteger(version) ? version : 0
}

const none: Conditions = {}

export function readConditions(headers: IncomingHttpHeaders, taken: TakenConditions): Conditions | Refusal {
  const ifMatch = headers['if-match']
  const ifNoneMatch = headers['if-none-match']
  if (ifMatch === undefined && ifNoneMatch === undefined) return none
  if (ifMatch !== undefined && ifNoneMatch !== undefined) {
    return broken('If-None-Match', 'is given beside If-Match: only one may be')
  }
  if (ifMatch !== undefined) {
    if (taken.ifMatch === undefined) return broken('If-Match', 'is not taken here')
    const tag = readTag(ifMatch)
    return tag === undefined ? broken('If-Match', oneTag) : { ifMatch: tag }
  }
  if (taken.ifNoneMatch === undefined) return broken('If-None-Match', 'is not taken here')
  const tag = readTag(ifNoneMatch ?? '')
  if (tag === undefined) return broken('If-None-Match', oneTag)
  if (taken.ifNoneMatch === 'create' && tag !== '*') return broken('If-None-Match', 'is taken only as *')
  return { ifNoneMatch: tag }
}

const oneTag = 'must be one strong tag, as "7", or *'

function broken(header: string, detail: string): Refusal {
  return {
    code: 'malformed',
    detail: `${header} ${detail}.`,
    errors: [{ header, code: 'malformed', detail }],
  }
}

/** Whether a GET's answer is what the client has. */
export function isUnchanged(conditions: Conditions, version: number): boolean {
  return conditions.ifNoneMatch === '*' || conditions.ifNoneMatch === version
}
