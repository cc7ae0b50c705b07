// The whole REST surface over real HTTP, against the real services: nats-server, mongod where there is one,
// two timer-core nodes, two of persistence (one where it keeps files).

import { after, before, describe } from 'node:test'
import { commands } from './suite/commands.ts'
import { documents } from './suite/documents.ts'
import { edges } from './suite/edges.ts'
import { lists } from './suite/lists.ts'
import { messages } from './suite/messages.ts'
import { ops } from './suite/ops.ts'
import { outages } from './suite/outages.ts'
import { table } from './suite/table.ts'
import { timers } from './suite/timers.ts'
import { startWorld, type Api, type World } from './world.ts'

let world: World
before(async () => {
  const mongod = process.env['MONGOD']
  world = await startWorld({ mongod, counts: { persistence: mongod === undefined ? 1 : 2 } })
})
after(() => world[Symbol.asyncDispose]())
const api = (): Api => world.api

describe('single timers', () => {
  timers(api)
})
describe('every cell of the table', () => {
  table(api)
})
describe('/v1/commands', () => {
  commands(api)
})
describe('lists, histories and the feed', () => {
  lists(api)
})
describe('messages to viewers', () => {
  messages(() => world)
})
describe('what is no good request', () => {
  edges(api)
})
describe('documents', () => {
  documents(api)
})
describe('operations', () => {
  ops(() => world)
})
describe('when something is down', () => {
  outages(() => world)
})
