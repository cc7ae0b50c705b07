// Finds TCP ports on loopback that nobody listens on at the moment.

import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

/**
 * Below those that systems give to outgoing connections: one of these would take it before it is used, or while
 * the server that is to come back on it is down.
 */
const from = 20_000
const to = 32_000
const tries = 100

export async function freePort(): Promise<number> {
  for (let i = 0; i < tries; i++) {
    const port = randomInt(from, to)
    if (await isFree(port)) return port
  }
  throw new Error(`there is no free port on 127.0.0.1 between ${from} and ${to}`)
}

export async function isFree(port: number): Promise<boolean> {
  return (await listenOnce(port)) !== undefined
}

/** The port that could be listened on; undefined when it is taken. */
function listenOnce(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => {
      resolve(undefined)
    })
    server.listen(port, '127.0.0.1', () => {
      const { port: taken } = server.address() as AddressInfo
      server.close(() => {
        resolve(taken)
      })
    })
  })
}
