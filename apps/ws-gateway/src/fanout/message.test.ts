// A message's bytes: what RFC 6455 and the event stream format ask for, made once.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FrameReader } from '../../test/frames.ts'
import { Message, textFrame } from './message.ts'

test('a text frame is read back at every length of its head', () => {
  const reader = new FrameReader()
  for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, 200_000]) {
    const frames = reader.push(textFrame('x'.repeat(length)))
    assert.deepEqual(
      frames.map(({ opcode, payload }) => [opcode, payload.length]),
      [[1, length]],
    )
  }
  const [umlauts] = reader.push(textFrame('ü'.repeat(63)))
  assert.equal(umlauts?.payload.toString(), 'ü'.repeat(63))
})

test('the text is asked for once, and only when it is needed; each encoding is kept', () => {
  let asked = 0
  const message = new Message({ name: 'timer', weight: 10, eventId: 'data:7' }, () => {
    asked += 1
    return '{"type":"timer"}'
  })
  assert.equal(asked, 0)
  assert.equal(message.bytes('socket'), message.bytes('socket'))
  assert.equal(message.bytes('stream').toString(), 'event: timer\ndata: {"type":"timer"}\n\n')
  assert.equal(
    message.bytes('streamOfOne').toString(),
    'event: timer\nid: data:7\ndata: {"type":"timer"}\n\n',
  )
  assert.equal(message.bytes('streamOfOne'), message.bytes('streamOfOne'))
  assert.equal(asked, 1)
})
