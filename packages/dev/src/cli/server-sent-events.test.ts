import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readEvents, type ServerSentEvent } from './server-sent-events.ts'

async function eventsOf(chunks: readonly Uint8Array[]): Promise<ServerSentEvent[]> {
  const events: ServerSentEvent[] = []
  // eslint-disable-next-line @typescript-eslint/require-await
  async function* body() {
    yield* chunks
  }
  for await (const event of readEvents(body())) events.push(event)
  return events
}

const stream = [
  ': a comment\n\n',
  'event: timer\nid: d:7\ndata: {"a":"ä"}\n\n',
  'data: one\r\ndata: two\r\n\r\n',
  'event: empty\n\n',
  'data:no space\ndata\n\n',
  'data: not ended\n',
].join('')

const told = [
  { event: 'timer', data: '{"a":"ä"}', id: 'd:7' },
  { event: 'message', data: 'one\ntwo', id: 'd:7' },
  { event: 'message', data: 'no space\n', id: 'd:7' },
]

test('reads the events of a stream, however its bytes are cut', async () => {
  const bytes = new TextEncoder().encode(stream)
  assert.deepEqual(await eventsOf([bytes]), told)
  const cuts = fc.uniqueArray(fc.nat(bytes.length), { maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(cuts, async (at) => {
      const ends = [0, ...at.sort((a, b) => a - b), bytes.length]
      const chunks = ends.slice(1).map((end, index) => bytes.subarray(ends[index], end))
      assert.deepEqual(await eventsOf(chunks), told)
    }),
  )
})
