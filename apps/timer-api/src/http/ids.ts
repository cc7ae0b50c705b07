// Ids made here: of timers that a client lets us name, and of requests that came without one.

export interface Ids {
  /** Of this start of the process. */
  readonly incarnation: string
  readonly timerId: () => string
  readonly requestId: () => string
}

export function createIds(deps: { randomBytes: (size: number) => Buffer }): Ids {
  const incarnation = deps.randomBytes(8).toString('hex')
  let requests = 0
  return {
    incarnation,
    timerId: () => `tmr_${deps.randomBytes(15).toString('base64url')}`,
    requestId: () => {
      requests += 1
      return `req_${incarnation}_${requests.toString(36)}`
    },
  }
}
