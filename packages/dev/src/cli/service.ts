// The service as the command line reaches it: which URL it has, and what its answers mean. HTTP only.

import { existsSync, readFileSync } from 'node:fs'

/** What the service says when it does not do what it was asked (RFC 9457). */
export interface Problem {
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly requestId?: string
  readonly retryAfterMs?: number
  readonly errors?: readonly {
    readonly pointer?: string
    readonly parameter?: string
    readonly header?: string
    readonly code: string
    readonly detail: string
  }[]
}

export class Refused extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail)
    this.problem = problem
  }

  /** The same may work later. */
  get isBusy(): boolean {
    return [429, 503, 504].includes(this.problem.status)
  }
}

/** Nobody answered, or not in the words of this service. */
export class NotReached extends Error {}

export interface Place {
  readonly url: string
  /** Who named it, in words. */
  readonly by: string
}

/** Throws NotReached when nobody names one. `runFile`: what `npm start` leaves for scripts. */
export function findService(url: string | undefined, fromEnv: string | undefined, runFile: string): Place {
  if (url !== undefined) return { url, by: '--url' }
  if (fromEnv) {
    if (!URL.canParse(fromEnv)) throw new NotReached(`TIMERS_URL must be a URL: ${fromEnv}`)
    return { url: fromEnv, by: 'TIMERS_URL' }
  }
  if (!existsSync(runFile))
    throw new NotReached('No service runs here: npm start. Or name one: --url <url>, or TIMERS_URL.')
  const { frontDoor } = JSON.parse(readFileSync(runFile, 'utf8')) as { frontDoor: string }
  return { url: frontDoor, by: 'npm start' }
}

export interface Request {
  readonly method?: string
  readonly path: string
  readonly query?: readonly (readonly [string, string])[]
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly signal?: AbortSignal
}

export class Service {
  readonly #place: Place

  constructor(place: Place) {
    this.#place = place
  }

  /** The answer when it is a success; throws Refused or NotReached. */
  async ask({ method = 'GET', path, query = [], body, headers, signal }: Request): Promise<Response> {
    const url = new URL(path, this.#place.url)
    for (const [name, value] of query) url.searchParams.append(name, value)
    const withBody = body !== undefined && {
      body: JSON.stringify(body),
      headers: { ...headers, 'content-type': 'application/json' },
    }
    let response
    try {
      response = await fetch(url, { method, headers: { ...headers }, ...withBody, ...(signal && { signal }) })
    } catch (error) {
      if (signal?.aborted) throw error
      const { url: base, by } = this.#place
      throw new NotReached(`Nobody answers at ${base} (${by}): ${reasonOf(error)}`, { cause: error })
    }
    if (response.ok) return response
    throw await refusalOf(response)
  }
}

/** fetch says no more than "fetch failed"; why is in its causes. */
function reasonOf(error: unknown): string {
  let reason = error
  while (reason instanceof Error && reason.cause !== undefined) reason = reason.cause
  if (!(reason instanceof Error)) return String(reason)
  return reason.message || (reason as NodeJS.ErrnoException).code || reason.name
}

async function refusalOf(response: Response): Promise<Refused | NotReached> {
  const text = await response.text()
  if (response.headers.get('content-type')?.startsWith('application/problem+json'))
    return new Refused(JSON.parse(text) as Problem)
  return new NotReached(`${response.url} answered ${response.status}: ${text.slice(0, 200)}`)
}
