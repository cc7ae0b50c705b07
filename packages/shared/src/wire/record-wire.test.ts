import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LogRecord as PbLogRecord } from '@timers/proto/timers/core/v1/log.ts'
import { Timer as PbTimer } from '@timers/proto/timers/v1/timer.ts'
import type { LogRecord, RecordBody, RecordEvent } from '../log/record.ts'
import { answeredKey, recordEvent, timer } from '../test/arbitraries.ts'
import type { Timer } from '../timer/timer.ts'
import { decodeRecord, encodeRecord } from './record-wire.ts'
import { createPacking, packTimer, timerFromWire, timerToWire, unpackTimer } from './timer-wire.ts'
import { WireError } from './wire-error.ts'

const head = { format: 1, term: '0123456789abcdef', owner: 'core-1', snapshotAt: 0 }
const natural = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const body: fc.Arbitrary<RecordBody> = fc.oneof(
  fc.record({
    kind: fc.constant('batch' as const),
    nowMs: natural,
    events: fc.array(recordEvent, { maxLength: 5 }),
  }),
  fc.record({
    kind: fc.constant('batch' as const),
    nowMs: natural,
    events: fc.array(recordEvent, { maxLength: 1 }),
    answered: fc.array(answeredKey, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('takeover' as const), dataId: fc.uuid(), partitionCount: fc.nat() }),
  fc.record({
    kind: fc.constant('snapshotTaken' as const),
    sequence: natural,
    parts: fc.nat(),
    crc: fc.nat(0xff_ff_ff_ff),
  }),
  fc.record({ kind: fc.constant('release' as const), to: fc.string({ unit: 'grapheme' }) }),
  fc.constant({ kind: 'beat' as const }),
)

const running: Timer = {
  tenantId: 'default',
  timerId: 'tea',
  version: 3,
  state: 'running',
  title: 'Tea',
  durationMs: 60_000,
  remainingMs: null,
  deadlineMs: 1_700_000_060_000,
  labels: {},
  metadata: '',
  retentionMs: 1000,
  createdAtMs: 1_700_000_000_000,
  updatedAtMs: 1_700_000_000_000,
  completedAtMs: null,
  completedBy: null,
}
const event: RecordEvent = {
  type: 'started',
  timer: running,
  cause: { actor: { type: 'operator', id: 'local' }, requestId: 'r' },
  session: '0123456789abcdef',
  n: 1,
}
const recordOf = (events: readonly RecordEvent[], nowMs = 1): LogRecord => ({
  ...head,
  body: { kind: 'batch', nowMs, events },
})

function refuses(act: () => unknown, field: string): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof WireError, String(error))
    assert.equal(error.field, field)
    return true
  })
}

describe('the codec of records', () => {
  it('gives back every record it is given', () => {
    fc.assert(
      fc.property(body, natural, (body, snapshotAt) => {
        const record = { ...head, snapshotAt, body }
        assert.deepStrictEqual(decodeRecord(encodeRecord(record)), structuredClone(record))
      }),
    )
  })

  it('gives back every timer it packs', () => {
    fc.assert(
      fc.property(timer, (timer) => {
        assert.deepStrictEqual(unpackTimer(packTimer(timer)), structuredClone(timer))
      }),
    )
  })

  it('gives back every timer from its packed text, also after one that it refused', () => {
    const packing = createPacking()
    fc.assert(
      fc.property(fc.array(timer), (timers) => {
        const packed = timers.map((timer) => packing.pack(timer))
        refuses(() => packing.pack({ ...running, durationMs: 0.5 }), 'timer.durationMs')
        assert.deepStrictEqual(
          packed.map((text) => packing.unpack(text)),
          structuredClone(timers),
        )
      }),
    )
  })

  it('keeps a label named __proto__ as a label', () => {
    const labels = JSON.parse('{"__proto__":"a","b":"c"}') as Record<string, string>
    const back = unpackTimer(packTimer({ ...running, labels }))
    assert.deepEqual(Object.entries(back.labels), [
      ['__proto__', 'a'],
      ['b', 'c'],
    ])
    assert.equal(Object.getPrototypeOf(back.labels), Object.prototype)
  })

  it('writes again the fields of a timer that it does not know', () => {
    // Field 100, a varint, and field 101, a string, as a newer build may write them.
    const added = [0xa0, 0x06, 0x2a, 0xaa, 0x06, 0x02, 0x68, 0x69]
    const bytes = new Uint8Array([...packTimer(running), ...added])
    const read = unpackTimer(bytes)
    assert.deepEqual(Object.keys(read.unknown ?? {}), ['800', '810'])
    const written = encodeRecord(recordOf([{ ...event, timer: { ...read, version: 4 } }]))
    const { body } = decodeRecord(written)
    assert.ok(body.kind === 'batch')
    assert.deepStrictEqual(body.events[0]?.timer, { ...read, version: 4 })
    assert.deepEqual([...packTimer(read)].slice(-added.length), added)
  })

  it('says nothing of unknown fields where there are none', () => {
    assert.equal('unknown' in unpackTimer(packTimer(running)), false)
  })

  it('refuses what is not an exact integer before anything is encoded', () => {
    const numbers = [
      ['durationMs', 'timer.durationMs'],
      ['deadlineMs', 'timer.deadlineMs'],
      ['version', 'timer.version'],
      ['retentionMs', 'timer.retentionMs'],
      ['createdAtMs', 'timer.createdAtMs'],
      ['updatedAtMs', 'timer.updatedAtMs'],
    ] as const
    for (const bad of [0.5, NaN, Infinity, 2 ** 53, -(2 ** 53)]) {
      for (const [key, field] of numbers) {
        refuses(() => encodeRecord(recordOf([event, { ...event, timer: { ...running, [key]: bad } }])), field)
      }
      const paused = { ...running, state: 'paused', remainingMs: bad, deadlineMs: null } as const
      refuses(() => encodeRecord(recordOf([{ ...event, timer: paused }])), 'timer.remainingMs')
      const completed = {
        ...running,
        state: 'completed',
        remainingMs: 0,
        completedAtMs: bad,
        completedBy: 'fire',
      } as const
      refuses(() => packTimer(completed), 'timer.completedAtMs')
      refuses(() => encodeRecord(recordOf([{ ...event, n: bad }])), 'event.n')
      refuses(() => encodeRecord(recordOf([event], bad)), 'batch.nowMs')
      refuses(() => encodeRecord({ ...recordOf([event]), snapshotAt: bad }), 'record.snapshotAt')
      const taken = { kind: 'snapshotTaken', sequence: 1, parts: 1, crc: 1 } as const
      refuses(() => encodeRecord({ ...head, body: { ...taken, sequence: bad } }), 'snapshotTaken.sequence')
      refuses(() => encodeRecord({ ...head, body: { ...taken, parts: bad } }), 'snapshotTaken.parts')
      refuses(() => encodeRecord({ ...head, body: { ...taken, crc: bad } }), 'snapshotTaken.crc')
    }
  })

  it('refuses what a timer, a head or an event cannot be', () => {
    refuses(() => packTimer({ ...running, version: 0 }), 'timer.version')
    refuses(() => packTimer({ ...running, timerId: '' }), 'timer.timerId')
    refuses(() => packTimer({ ...running, durationMs: -1 }), 'timer.durationMs')
    refuses(() => encodeRecord({ ...recordOf([]), term: '' }), 'record.term')
    refuses(() => encodeRecord({ ...head, body: { kind: 'unknown' } }), 'record.body')

    const pb = timerToWire(running)
    refuses(() => timerFromWire({ ...pb, tenantId: '' }), 'timer.tenantId')
    refuses(() => timerFromWire({ ...pb, state: 0 }), 'timer.state')
    refuses(() => timerFromWire({ ...pb, state: 9 as 4 }), 'timer.state')
    refuses(() => timerFromWire({ ...pb, state: 4, completedBy: 0 }), 'timer.completedBy')
    refuses(() => timerFromWire({ ...pb, version: -1 }), 'timer.version')
    const record = PbLogRecord.decode(encodeRecord(recordOf([event])))
    assert.ok(record.body?.$case === 'batch')
    const [logEvent] = record.body.value.events
    assert.ok(logEvent)
    const broken = [
      [{ ...logEvent, type: 0 as const }, 'event.type'],
      [{ ...logEvent, timer: undefined }, 'event.timer'],
      [{ ...logEvent, actor: undefined }, 'actor'],
    ] as const
    for (const [one, field] of broken) {
      const value = { ...record.body.value, events: [one] }
      const bytes = PbLogRecord.encode({ ...record, body: { $case: 'batch', value } }).finish()
      refuses(() => decodeRecord(bytes), field)
    }
  })

  it('leaves of a timer only what its state has', () => {
    const everything = { remainingMs: 7, deadlineMs: 8, completedAtMs: 9, completedBy: 1 as const }
    const pb = { ...timerToWire(running), ...everything }
    const of = (state: 1 | 2 | 3 | 4): unknown[] => {
      const { remainingMs, deadlineMs, completedAtMs, completedBy } = timerFromWire({ ...pb, state })
      return [remainingMs, deadlineMs, completedAtMs, completedBy]
    }
    assert.deepEqual(of(1), [7, null, null, null])
    assert.deepEqual(of(2), [null, 8, null, null])
    assert.deepEqual(of(3), [7, null, null, null])
    assert.deepEqual(of(4), [0, 8, 9, 'fire'])
  })

  it('reads a body of a kind it does not know as unknown', () => {
    const beat = encodeRecord({ ...head, body: { kind: 'beat' } })
    // The beat's tag (field 14) becomes that of field 15.
    const bytes = beat.with(beat.lastIndexOf(0x72), 0x7a)
    assert.deepEqual(decodeRecord(bytes), { ...head, body: { kind: 'unknown' } })
  })

  it('answers any bytes with a value or a WireError', () => {
    const whole = encodeRecord(recordOf([event, event]))
    const damaged = fc
      .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map((changes) => {
        const bytes = whole.slice()
        for (const [at, value] of changes) bytes[at] = value
        return bytes
      })
    const cut = fc.nat(whole.length).map((length) => whole.subarray(0, length))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged, cut), (bytes) => {
        for (const read of [decodeRecord, unpackTimer]) {
          try {
            read(bytes)
          } catch (error) {
            assert.ok(error instanceof WireError, String(error))
          }
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('answers an integer beyond 2^53 and groups without end with a WireError', () => {
    // version = 2^63 - 1
    const beyond = [0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]
    refuses(() => unpackTimer(new Uint8Array([...packTimer(running), ...beyond])), 'timer')
    refuses(() => unpackTimer(new Uint8Array(100_000).fill(0x83)), 'timer')
    refuses(() => unpackTimer(new Uint8Array(100_000).fill(0x0b)), 'timer')
  })

  it('holds no reference to the bytes that unknown fields came in', () => {
    const bytes = new Uint8Array([...packTimer(running), 0xa0, 0x06, 0x2a])
    const [kept] = unpackTimer(bytes).unknown?.[800] ?? []
    assert.notEqual(kept?.buffer, bytes.buffer)
    assert.deepEqual(PbTimer.decode(bytes)._unknownFields?.[800], [kept])
  })
})
