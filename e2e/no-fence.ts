// Loaded before a timer-core (node --import): its appends carry no expected sequence, and it takes whatever is stored
// for the very next. Without the fence the rest of the system must not look as if it held.

import { headers } from '@nats-io/transport-node'
import { AppendCalls } from '../apps/timer-core/src/nats/append-calls.ts'

const fence = 'Nats-Expected-Last-Sequence'

/** The probe at the start is left its fence: it would refuse such a broker. */
let isAppending = false

/* eslint-disable @typescript-eslint/unbound-method -- They are called with their own `this`. */
const messageHeaders = Object.getPrototypeOf(headers()) as ReturnType<typeof headers>
const { set } = messageHeaders
messageHeaders.set = function (key, ...rest) {
  if (!isAppending || key !== fence) set.call(this, key, ...rest)
}

const { send } = AppendCalls.prototype
AppendCalls.prototype.send = async function (append) {
  isAppending = true
  const sent = send.call(this, append)
  isAppending = false
  const answer = await sent
  return answer.kind === 'stored' ? { kind: 'stored', sequence: append.after + 1 } : answer
}
