// The gateway as its clients see it, over real servers: nats-server, two timer-core nodes, timer-api.

import { after, before, describe } from 'node:test'
import { startRealWorld, type RealWorld } from './real-world.ts'
import { fuzz } from './suite/fuzz.ts'
import { refusals } from './suite/refusals.ts'
import { sockets } from './suite/sockets.ts'
import { streams } from './suite/streams.ts'

let world: RealWorld
before(async () => {
  world = await startRealWorld()
})
after(() => world[Symbol.asyncDispose]())

describe('sockets', () => {
  sockets(() => world)
})
describe('what a socket refuses', () => {
  refusals(() => world)
})
describe('streams', () => {
  streams(() => world)
})
describe('nonsense', () => {
  fuzz(() => world)
})
