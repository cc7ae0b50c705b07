// Loaded before a timer-core (node --import): its appends carry no expected sequence, and it takes whatever is stored
// for the very next. Without the fence the rest of the system must not look as if it held.

import { headers } from '@nats-io/transport-node'
import { AppendCalls } from '../apps/timer-core/src/nats/append-calls.ts'

const fence = 'Nats-Expected-Last-Sequence'

/* eslint-disable @typescript-eslint/unbound-method -- They are called with their own `this`. */
const messageHeaders = Object.getPrototypeOf(headers()) as ReturnType<typeof headers>
const { set } = messageHeaders
messageHeaders.set = function (key, ...rest) {
  if (key !== fence) set.call(this, key, ...rest)
}

const { send } = AppendCalls.prototype
AppendCalls.prototype.send = async function (append) {
  const answer = await send.call(this, append)
  return answer.kind === 'stored' ? { kind: 'stored', sequence: append.after + 1 } : answer
}
