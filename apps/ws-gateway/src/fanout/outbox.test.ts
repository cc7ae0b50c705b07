// The outbox against a plain model: order, what may be replaced and what never, and its bounds.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Message } from './message.ts'
import { noPlace, Outbox, type Places } from './outbox.ts'

const bounds = { outboxMessages: 1_000_000, outboxBytes: 1 << 30 }
/** Where a timer's messages stand, by its id. */
function placesById(): (timerId: string) => Places {
  const places = new Map<string, Places>()
  return (timerId) => {
    const known = places.get(timerId) ?? { statePlace: noPlace, tickPlace: noPlace }
    places.set(timerId, known)
    return known
  }
}

const message = (text: string, weight = 1): Message => new Message({ name: 'm', weight }, () => text)

function drain(outbox: Outbox, mostWeight = Infinity): string[] {
  const taken: Message[] = []
  outbox.take(mostWeight, taken)
  return taken.map(({ text }) => text)
}

test('the newest state takes the place of an unsent one', () => {
  const of = placesById()
  const outbox = new Outbox(bounds)
  outbox.putState(of('a'), message('a1'), false)
  outbox.putState(of('b'), message('b1'), false)
  outbox.putState(of('a'), message('a2'), false)
  assert.deepEqual(drain(outbox), ['a2', 'b1'])
  outbox.putState(of('a'), message('a3'), false)
  assert.deepEqual(drain(outbox), ['a3'])
  assert.equal(outbox.replaced, 1)
})

test('a completion may stand for what was before it, and nothing for a completion', () => {
  const of = placesById()
  const outbox = new Outbox(bounds)
  outbox.putState(of('a'), message('a1'), false)
  outbox.putState(of('a'), message('a2 completed'), true)
  outbox.putState(of('a'), message('a3'), false)
  outbox.putState(of('a'), message('a4 completed'), true)
  outbox.putState(of('a'), message('a5 deleted'), true)
  assert.deepEqual(drain(outbox), ['a2 completed', 'a4 completed', 'a5 deleted'])
})

test('a tick is replaced by the next, and goes when its timer changes', () => {
  const of = placesById()
  const outbox = new Outbox(bounds)
  outbox.putTick(of('a'), message('a1 3 s'))
  outbox.put(message('ack'))
  outbox.putTick(of('a'), message('a1 2 s'))
  assert.deepEqual(drain(outbox), ['a1 2 s', 'ack'])
  outbox.putTick(of('a'), message('a1 1 s'))
  outbox.putState(of('a'), message('a2'), false)
  outbox.putTick(of('a'), message('a2 9 s'))
  assert.deepEqual(drain(outbox), ['a2', 'a2 9 s'])
})

test('what changes after a snapshot comes after it', () => {
  const of = placesById()
  const outbox = new Outbox(bounds)
  outbox.putState(of('a'), message('a1'), false)
  outbox.putTick(of('b'), message('b tick'))
  outbox.putSnapshot(message('snapshot'))
  outbox.putState(of('a'), message('a2'), false)
  outbox.putTick(of('b'), message('b tick 2'))
  assert.deepEqual(drain(outbox), ['a1', 'b tick', 'snapshot', 'a2', 'b tick 2'])
})

test('it says when it is beyond its bounds, by number and by weight, and gives room back', () => {
  const of = placesById()
  const few = new Outbox({ outboxMessages: 2, outboxBytes: 100 })
  few.put(message('1'))
  few.put(message('2'))
  assert.equal(few.overfull, false)
  few.put(message('3'))
  assert.equal(few.overfull, true)
  drain(few, 1)
  assert.equal(few.overfull, false)
  few.putState(of('a'), message('4', 60), false)
  few.putState(of('a'), message('5', 60), false)
  assert.equal(few.isEmpty(), false)
  drain(few)
  few.put(message('6', 101))
  assert.equal(few.overfull, true)
  few.clear()
  assert.equal(few.overfull, false)
})

test('taken in parts: at least one message, until they weigh enough', () => {
  const outbox = new Outbox(bounds)
  for (const text of ['1', '2', '3', '4']) outbox.put(message(text, 10))
  assert.deepEqual(drain(outbox, 5), ['1'])
  assert.deepEqual(drain(outbox, 15), ['2', '3'])
  assert.deepEqual(drain(outbox, 15), ['4'])
  assert.equal(outbox.isEmpty(), true)
})

const timerId = fc.constantFrom('a', 'b', 'c')
const step = fc.oneof(
  fc.record({ do: fc.constant('state'), timerId, last: fc.boolean() }),
  fc.record({ do: fc.constant('tick'), timerId }),
  fc.record({ do: fc.constant('put') }),
  fc.record({ do: fc.constant('snapshot') }),
  fc.record({ do: fc.constant('take'), weight: fc.integer({ min: 1, max: 6 }) }),
)

test('whatever happens: nothing that must be told is lost, each timer in order, its newest state last', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
      const outbox = new Outbox(bounds)
      const of = placesById()
      const owed: string[] = []
      const newest = new Map<string, string>()
      const got: string[] = []
      let n = 0
      for (const one of steps) {
        n += 1
        switch (one.do) {
          case 'state': {
            const text = `${one.timerId} ${n} ${one.last ? 'last' : 'state'}`
            newest.set(one.timerId, text)
            if (one.last) owed.push(text)
            outbox.putState(of(one.timerId), message(text), one.last)
            break
          }
          case 'tick':
            outbox.putTick(of(one.timerId), message(`${one.timerId} ${n} tick`))
            break
          case 'put':
          case 'snapshot': {
            const text = `- ${n} last`
            owed.push(text)
            if (one.do === 'put') outbox.put(message(text))
            else outbox.putSnapshot(message(text))
            break
          }
          case 'take':
            got.push(...drain(outbox, one.weight))
        }
      }
      got.push(...drain(outbox))
      assert.equal(outbox.isEmpty(), true)
      const lasts = got.filter((text) => text.endsWith('last'))
      assert.deepEqual(lasts.toSorted(), owed.toSorted())
      const puts = (texts: string[]): string[] => texts.filter((text) => text.startsWith('-'))
      assert.deepEqual(puts(lasts), puts(owed))
      for (const id of ['a', 'b', 'c']) {
        const numbers = got.filter((text) => text.startsWith(id)).map((text) => Number(text.split(' ')[1]))
        assert.deepEqual(
          numbers,
          numbers.toSorted((x, y) => x - y),
        )
        const states = got.filter((text) => text.startsWith(id) && !text.endsWith('tick'))
        assert.equal(states.at(-1), newest.get(id))
      }
    }),
  )
})

test('its memory does not grow with what went through it', () => {
  const of = placesById()
  const outbox = new Outbox(bounds)
  outbox.put(message('first'))
  const taken: Message[] = []
  for (let n = 0; n < 100_000; n++) {
    outbox.putState(of(`t${n % 10}`), message('s'), n % 2 === 0)
    taken.length = 0
    outbox.take(1, taken)
    assert.equal(taken.length, 1)
  }
  assert.equal(outbox.isEmpty(), false)
  assert.ok(outbox.slots < 5000, `${outbox.slots} slots`)
})
