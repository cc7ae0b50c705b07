import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  Command as PbCommand,
  GetResponse as PbGetResponse,
  Result as PbResult,
  ScanPage as PbScanPage,
  ScanRequest as PbScanRequest,
} from '@timers/proto/timers/core/v1/core.ts'
import { errorTable, type ErrorCode, type Refusal } from '../errors.ts'
import { sentCommand, timer, timerId } from '../test/arbitraries.ts'
import type { SentCommand } from '../timer/command.ts'
import { eventTypes } from '../timer/event.ts'
import type { CommandResult, GetResult, ScanPage, Selection } from '../timer/results.ts'
import {
  commandFromWire,
  commandToWire,
  getResultFromWire,
  getResultToWire,
  resultFromWire,
  resultToWire,
  scanPageFromWire,
  scanPageToWire,
  selectionFromWire,
  selectionToWire,
} from './command-wire.ts'
import { WireError } from './wire-error.ts'

/** As it comes out at the other end. */
function sent<T>(
  codec: { encode(value: T): { finish(): Uint8Array }; decode(bytes: Uint8Array): T },
  value: T,
): T {
  return codec.decode(codec.encode(value).finish())
}

const position = { partition: 3, sequence: 42 }
const refusal: fc.Arbitrary<Refusal> = fc.record(
  {
    code: fc.constantFrom(...(Object.keys(errorTable) as ErrorCode[])),
    detail: fc.string({ unit: 'grapheme' }),
    retryAfterMs: fc.integer({ min: 1, max: 100_000 }),
    errors: fc.array(fc.record({ pointer: fc.string(), code: fc.string(), detail: fc.string() }), {
      minLength: 1,
      maxLength: 3,
    }),
  },
  { requiredKeys: ['code', 'detail'] },
)
const refused = refusal.map((refusal) => ({ ok: false, refusal, ...position }) as const)
const done: fc.Arbitrary<CommandResult> = fc.record({
  ok: fc.constant(true),
  type: fc.constantFrom(null, ...eventTypes),
  timer,
  partition: fc.constant(position.partition),
  sequence: fc.constant(position.sequence),
})

const pause: SentCommand = {
  tenantId: 'default',
  timerId: 'tea',
  operation: { op: 'pause' },
  actor: { type: 'operator', id: 'local' },
  requestId: 'r',
  n: 1,
  notAfterMs: 1_700_000_000_000,
}

function refuses(act: () => unknown, field: string): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof WireError, String(error))
    assert.equal(error.field, field)
    return true
  })
}

describe('the codec of commands', () => {
  it('gives back every command', () => {
    fc.assert(
      fc.property(sentCommand, (command) => {
        assert.deepStrictEqual(
          commandFromWire(sent(PbCommand, commandToWire(command))),
          structuredClone(command),
        )
      }),
    )
  })

  it('gives back every result', () => {
    fc.assert(
      fc.property(fc.oneof(refused, done), (result) => {
        const pb = sent(PbResult, resultToWire(7, result))
        assert.equal(pb.n, 7)
        assert.deepStrictEqual(resultFromWire(pb, position.partition), structuredClone(result))
      }),
    )
  })

  it('gives back what was read of one timer', () => {
    const found = timer.map((timer): GetResult => ({ ok: true, timer, ...position }))
    const simple = refused.map(({ refusal: { code, detail } }) => ({
      ok: false as const,
      refusal: { code, detail },
      ...position,
    }))
    fc.assert(
      fc.property(fc.oneof(found, simple), (result) => {
        const pb = sent(PbGetResponse, getResultToWire(result))
        assert.deepStrictEqual(getResultFromWire(pb, position.partition), structuredClone(result))
      }),
    )
  })

  it('tells a node that does not own the timer from one that has no such timer', () => {
    const absent = getResultToWire({ ok: false, refusal: { code: 'not_found', detail: '' }, ...position })
    assert.equal(getResultFromWire(absent, 3)?.ok, false)
    assert.equal(getResultFromWire({ ...absent, code: '', notOwner: { to: 'core-2' } }, 3), undefined)
  })

  it('gives back pages and selections', () => {
    const page: fc.Arbitrary<ScanPage> = fc.record({
      partition: fc.nat(1000),
      sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      term: fc.constant('0123456789abcdef'),
      timers: fc.array(timer, { maxLength: 3 }),
      more: fc.boolean(),
    })
    const selection: fc.Arbitrary<Selection> = fc.oneof(
      fc.record({ timerIds: fc.array(timerId) }),
      fc.record({ prefix: timerId }),
      fc.constant({ all: true as const }),
    )
    fc.assert(
      fc.property(page, selection, (page, selection) => {
        assert.deepStrictEqual(
          scanPageFromWire(sent(PbScanPage, scanPageToWire(page))),
          structuredClone(page),
        )
        const request = { tenantId: 't', partitions: [1], selection: selectionToWire(selection), limit: 1 }
        assert.deepStrictEqual(
          selectionFromWire(sent(PbScanRequest, request).selection),
          structuredClone(selection),
        )
      }),
    )
  })

  it('refuses numbers that are none before they are sent', () => {
    for (const bad of [0.5, NaN, Infinity, 2 ** 53]) {
      const with_ = (operation: SentCommand['operation']) => () => commandToWire({ ...pause, operation })
      refuses(with_({ op: 'add', byMs: bad }), 'add.byMs')
      refuses(with_({ op: 'set', remainingMs: bad }), 'set.remainingMs')
      refuses(with_({ op: 'set', deadlineMs: bad }), 'set.deadlineMs')
      refuses(with_({ op: 'update', durationMs: bad }), 'update.durationMs')
      refuses(with_({ op: 'extendIfWithin', windowMs: 1, byMs: bad }), 'extendIfWithin.byMs')
      refuses(() => commandToWire({ ...pause, n: bad }), 'command.n')
      refuses(() => commandToWire({ ...pause, ifVersion: bad }), 'command.ifVersion')
      refuses(() => commandToWire({ ...pause, notAfterMs: bad }), 'command.notAfterMs')
    }
    refuses(() => commandToWire({ ...pause, operation: { op: 'multiply', factor: NaN } }), 'multiply.factor')
  })

  it('refuses commands that are none', () => {
    const pb = commandToWire(pause)
    const put = { autostart: true, title: '', labels: [], metadata: '', retentionMs: 0 }
    const broken = [
      [{ ...pb, op: undefined }, 'command.op'],
      [{ ...pb, timerId: '' }, 'command.timerId'],
      [{ ...pb, actor: undefined }, 'actor'],
      [{ ...pb, op: { $case: 'put', value: put } }, 'put'],
      [{ ...pb, op: { $case: 'put', value: { ...put, durationMs: 1, deadlineMs: 1 } } }, 'put'],
      [{ ...pb, op: { $case: 'set', value: {} } }, 'set'],
      [{ ...pb, op: { $case: 'multiply', value: { factor: Infinity } } }, 'multiply.factor'],
      [{ ...pb, op: { $case: 'update', value: { labelsPatch: '{' } } }, 'update.labelsPatch'],
      [{ ...pb, op: { $case: 'update', value: { metadataPatch: '[]' } } }, 'update.metadataPatch'],
    ] satisfies [PbCommand, string][]
    for (const [command, field] of broken) refuses(() => commandFromWire(command), field)
    refuses(() => selectionFromWire(undefined), 'scan.selection')
  })

  it('takes a code of a newer node for a fault on our side', () => {
    const pb = resultToWire(1, { ok: false, refusal: { code: 'log_full', detail: 'x' }, ...position })
    const result = resultFromWire({ ...pb, code: 'brand_new' }, 3)
    assert.deepEqual(result, { ok: false, refusal: { code: 'internal', detail: 'x' }, ...position })
  })
})
