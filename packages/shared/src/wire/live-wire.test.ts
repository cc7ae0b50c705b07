import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { roles, type NodeState } from '../cluster/directory.ts'
import type { Tick, ViewerMessage, WatchList } from '../cluster/live.ts'
import { timerId } from '../test/arbitraries.ts'
import {
  decodeHeartbeat,
  decodeTicks,
  decodeViewerMessage,
  decodeWatchList,
  encodeHeartbeat,
  encodeTicks,
  encodeViewerMessage,
  encodeWatchList,
} from './live-wire.ts'
import { WireError } from './wire-error.ts'

const natural = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const text = fc.string({ unit: 'grapheme', maxLength: 20 })

const some = { minLength: 1, maxLength: 3 }
const heartbeat: fc.Arbitrary<NodeState> = fc.record(
  {
    name: timerId,
    incarnation: timerId,
    role: fc.constantFrom(...roles),
    address: text,
    dataId: text,
    owned: fc.array(fc.record({ partition: fc.nat(), sequence: natural, term: text }), { maxLength: 3 }),
    leaving: fc.boolean(),
    heldDown: fc.array(text, some),
    quarantined: fc.array(fc.record({ partition: fc.nat(), tries: fc.nat() }), some),
  },
  { requiredKeys: ['name', 'incarnation', 'role', 'address', 'dataId', 'owned', 'leaving'] },
)
const ticks: fc.Arbitrary<Tick[]> = fc.array(
  fc.record({ tenantId: timerId, timerId, version: natural.map((n) => n || 1), remainingMs: natural }),
)
const watchList: fc.Arbitrary<WatchList> = fc.record({
  gateway: timerId,
  watched: fc.array(fc.record({ tenantId: timerId, timerId, viewers: fc.nat() })),
})
const viewerMessage: fc.Arbitrary<ViewerMessage> = fc.record(
  { tenantId: timerId, timerId, kind: text, data: text },
  { requiredKeys: ['tenantId', 'kind', 'data'] },
)

const heard = {
  name: 'core-1',
  incarnation: 'a',
  role: 'timer-core',
  address: '127.0.0.1:1',
  dataId: 'd',
  owned: [{ partition: 1, sequence: 2, term: 't' }],
  leaving: false,
} as const

describe('the codec of what is not stored', () => {
  it('gives back what it is given', () => {
    fc.assert(
      fc.property(heartbeat, ticks, watchList, viewerMessage, (heartbeat, ticks, watchList, message) => {
        assert.deepStrictEqual(decodeHeartbeat(encodeHeartbeat(heartbeat)), structuredClone(heartbeat))
        assert.deepStrictEqual(decodeTicks(encodeTicks(ticks)), structuredClone(ticks))
        assert.deepStrictEqual(decodeWatchList(encodeWatchList(watchList)), structuredClone(watchList))
        assert.deepStrictEqual(decodeViewerMessage(encodeViewerMessage(message)), structuredClone(message))
      }),
    )
  })

  it('refuses what cannot be, both ways', () => {
    const tick = { tenantId: 't', timerId: 'a', version: 1, remainingMs: 1 }
    assert.throws(() => encodeTicks([tick, { ...tick, remainingMs: 0.5 }]), WireError)
    assert.throws(
      () => encodeHeartbeat({ ...heard, owned: [{ partition: -1, sequence: 1, term: '' }] }),
      WireError,
    )
    assert.throws(
      () => encodeHeartbeat({ ...heard, owned: [{ partition: 1, sequence: NaN, term: '' }] }),
      WireError,
    )
    assert.throws(() => encodeWatchList({ gateway: '', watched: [] }), WireError)
    assert.throws(() => decodeHeartbeat(new Uint8Array()), WireError)
    const strange = encodeHeartbeat({ ...heard, role: 'somebody' as 'timer-core' })
    assert.throws(() => decodeHeartbeat(strange), { field: 'heartbeat.role' })
  })

  it('answers any bytes with a value or a WireError', () => {
    const whole = encodeHeartbeat(heard)
    const damaged = fc
      .tuple(fc.nat(whole.length - 1), fc.nat(255))
      .map(([at, value]) => whole.with(at, value))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), damaged), (bytes) => {
        for (const read of [decodeHeartbeat, decodeTicks, decodeWatchList, decodeViewerMessage]) {
          try {
            read(bytes)
          } catch (error) {
            assert.ok(error instanceof WireError, String(error))
          }
        }
      }),
      { numRuns: 1000 },
    )
  })
})
