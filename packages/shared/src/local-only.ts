// AUTH=off: who may come in without a name. Only what runs on this machine may, told by the Host it
// asked for and the Origin its page came from; one more name may when a proxy of ours stands before.

import type { Refusal } from './errors.ts'

export interface LocalOnlyOptions {
  /** AUTH_OFF_BEHIND: the proxy's name, taken as a Host and as an Origin's. */
  readonly behind: string | undefined
}

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i

/** The name in a Host header or an origin's authority, without its port; undefined when it is neither. */
function nameIn(authority: string): string | undefined {
  return /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(authority)?.[1]
}

/** A check of the two headers of a request or a socket's handshake: undefined = come in. */
export function createLocalOnly({ behind }: LocalOnlyOptions) {
  const isOurs = (authority: string): boolean => {
    const name = nameIn(authority)
    return name !== undefined && (loopback.test(name) || name.toLowerCase() === behind?.toLowerCase())
  }
  return (headers: { host?: string | undefined; origin?: string | undefined }): Refusal | undefined => {
    const { host, origin } = headers
    if (host === undefined || !isOurs(host)) return foreign('Host')
    if (origin === undefined) return undefined
    const authority = /^https?:\/\/(.+)$/i.exec(origin)?.[1]
    return authority !== undefined && isOurs(authority) ? undefined : foreign('Origin')
  }
}

function foreign(header: 'Host' | 'Origin'): Refusal {
  const detail = 'Without authentication only this machine is served.'
  return {
    code: 'forbidden',
    detail,
    errors: [{ header, code: 'not_allowed', detail: 'is not of this machine' }],
  }
}

/** What is wrong with starting an edge like this, by variable; [] = it may start. */
export function localOnlyFaults(config: {
  readonly AUTH: 'off'
  readonly NODE_ENV: string
  readonly HTTP_HOST: string
  readonly AUTH_OFF_BEHIND: string | undefined
}): string[] {
  const faults: string[] = []
  if (config.NODE_ENV === 'production') faults.push('AUTH off is refused when NODE_ENV is production')
  if (config.AUTH_OFF_BEHIND === undefined && !isLoopbackAddress(config.HTTP_HOST)) {
    faults.push(
      'HTTP_HOST must be a loopback address while AUTH is off, unless AUTH_OFF_BEHIND names a proxy',
    )
  }
  return faults
}

function isLoopbackAddress(host: string): boolean {
  return host === '::1' || loopback.test(host)
}
