// The floor of put.bench.ts: the least that express does with the same request. A process of its own, forked;
// it tells its port and leaves with its parent.

import express, { type Request } from 'express'
import type { AddressInfo } from 'node:net'

const app = express()
app.put('/v1/timers/:id', express.json(), (request: Request<{ id: string }, unknown, object>, response) => {
  response.status(201).json({ id: request.params.id, ...request.body })
})
const server = app.listen(0, '127.0.0.1', () => {
  process.send?.((server.address() as AddressInfo).port)
})
process.once('disconnect', () => {
  server.close()
  server.closeAllConnections()
})
