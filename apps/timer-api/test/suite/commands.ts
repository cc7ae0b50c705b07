// POST /v1/commands, against the real services; and that it equals its parts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seedOf } from '@timers/dev/seed.ts'
import { partitionOf } from '@timers/shared/partition-of.ts'
import type { TimerJson } from '@timers/shared/timer/timer-json.ts'
import { as, type Api } from '../world.ts'

export function commands(api: () => Api): void {
  interface Result {
    readonly status: number
    readonly timer?: TimerJson
    readonly problem?: { code: string; instance: string; errors?: { pointer?: string }[] }
  }

  async function run(commands: readonly unknown[]): Promise<Result[]> {
    return as('CommandResults', await api().post('/v1/commands', { commands })).results as Result[]
  }

  test('each command has its result in its place, and a faulty one does not stop the others', async () => {
    const reply = await api().post('/v1/commands', {
      commands: [
        { timerId: 'c1', op: 'put', durationMs: 60_000, autostart: false },
        { timerId: 'c1', op: 'add', byMs: 'x', more: 1 },
        { timerId: 'c1', op: 'add', byMs: 5 },
        { timerId: 'none', op: 'pause' },
        { timerId: 'c1', op: 'resume' },
        { timerId: 'c1', op: 'put', durationMs: 1, ifAbsent: true },
        { timerId: 'c1', op: 'pause', ifVersion: 1_000_000 },
        { timerId: 'c1', op: 'start', commandId: 'k' },
        { timerId: 'c1', op: 'delete' },
        'nonsense',
      ],
    })
    const { results } = as('CommandResults', reply)
    assert.deepEqual(
      results.map(({ status, problem }) => problem?.code ?? status),
      [
        201,
        'invalid_value',
        200,
        'not_found',
        200,
        'already_exists',
        'version_mismatch',
        'invalid_value',
        204,
        'invalid_value',
      ],
    )
    assert.equal(results[2]?.timer?.remainingMs, 60_005)
    assert.deepEqual(results[1]?.problem?.errors?.map(({ pointer }) => pointer).toSorted(), [
      '/commands/1/byMs',
      '/commands/1/more',
    ])
    assert.equal(results[3]?.problem?.instance, '/v1/commands#/commands/3')
    const [partition, sequence] = (reply.headers.position ?? '').split('-').map(Number)
    assert.equal(partition, partitionOf('default', 'c1', 64))
    assert.ok(Number(sequence) > 0)
  })

  test('the whole is refused when it is no list, too long or too large', async () => {
    const code = async (body: unknown) => (await api().post('/v1/commands', body)).problem.code
    assert.equal(await code({}), 'invalid_value')
    assert.equal(await code({ commands: {} }), 'invalid_value')
    assert.equal(await code({ commands: [], more: 1 }), 'unknown_field')
    const item = { timerId: 'none', op: 'pause' }
    assert.equal((await run(Array(1000).fill(item))).length, 1000)
    assert.equal(await code({ commands: Array(1001).fill(item) }), 'invalid_value')
    assert.deepEqual(await run([]), [])
    const padding = (bytes: number): string => {
      const [head, tail] = ['{"commands":[', ']}']
      return head + ' '.repeat(bytes - head.length - tail.length) + tail
    }
    assert.equal((await api().post('/v1/commands', padding(1024 * 1024))).status, 200)
    assert.equal(await code(padding(1024 * 1024 + 1)), 'too_large')
  })

  test('positions name each partition once', async () => {
    const ids = Array.from({ length: 300 }, (_, i) => `p${i}`)
    const reply = await api().post('/v1/commands', {
      commands: ids.map((timerId) => ({ timerId, op: 'put', durationMs: 60_000 })),
    })
    const positions = (reply.headers.position ?? '').split(',').map((text) => Number(text.split('-')[0]))
    const partitions = new Set(ids.map((id) => partitionOf('default', id, 64)))
    assert.deepEqual(positions.toSorted(), [...partitions].toSorted())
  })

  test('10,000 concurrent add(1000) on one timer sum exactly', async () => {
    await api().put('sum', { durationMs: 0, autostart: false })
    await api().post('/v1/timers/sum/restart')
    await api().put('sum', { durationMs: 1, autostart: false })
    const adds = Array(1000).fill({ timerId: 'sum', op: 'add', byMs: 1000 })
    const all = await Promise.all(Array.from({ length: 10 }, () => run(adds)))
    assert.ok(all.flat().every(({ status }) => status === 200))
    assert.equal((await api().get('/v1/timers/sum')).timer.remainingMs, 10_000_001)
  })

  // Never the same twice: a set to what is left already is a no-op, and what is left depends on the time.
  const pickedSpan = fc.noBias(fc.integer({ min: 100_000_001, max: 900_000_000 }))
  const part = fc.oneof(
    fc.record({ op: fc.constantFrom('start', 'pause', 'reset', 'restart', 'delete', 'resume') }),
    fc.record({ op: fc.constant('put'), durationMs: fc.constantFrom(0, 1e9, 2e9), autostart: fc.boolean() }),
    fc.record({ op: fc.constant('add'), byMs: fc.constantFrom(-3e9, -1e8, 0, 1e8) }),
    fc.record({ op: fc.constant('multiply'), factor: fc.constantFrom(0, 0.5, 1, 2) }),
    fc.record({ op: fc.constant('set'), remainingMs: fc.oneof(pickedSpan, fc.constantFrom(0, 'x')) }),
    fc.record({
      op: fc.constant('extendIfWithin'),
      windowMs: fc.constantFrom(0, 3e9),
      byMs: fc.constant(1e8),
    }),
    fc.record({ op: fc.constant('update'), title: fc.constantFrom('a', 'b') }),
  )
  const steps = fc.array(fc.record({ at: fc.integer({ min: 0, max: 2 }), part }), {
    minLength: 1,
    maxLength: 12,
  })

  const words: Record<string, string> = { extendIfWithin: 'extend-if-within' }
  async function alone(timerId: string, { op, ...body }: { op: string }): Promise<Result> {
    const path = `/v1/timers/${timerId}`
    const reply =
      op === 'put'
        ? await api().put(timerId, body)
        : op === 'update'
          ? await api().call('PATCH', path, { body })
          : op === 'delete'
            ? await api().call('DELETE', path)
            : await api().post(`${path}/${words[op] ?? op}`, body)
    if (reply.status >= 400) return { status: reply.status, problem: reply.problem }
    return reply.status === 204 ? { status: 204 } : { status: reply.status, timer: reply.timer }
  }

  /** What does not depend on when it ran; what is left is told to the hour, of timers set by days. */
  function essence({ status, timer, problem }: Result, firstVersion: number) {
    if (timer === undefined) return { status, code: problem?.code }
    const { state, title, durationMs, completedBy, version } = timer
    const leftMs = timer.remainingMs ?? Date.parse(timer.deadline ?? '') - Date.parse(timer.updatedAt)
    return {
      status,
      state,
      title,
      durationMs,
      completedBy,
      version: version - firstVersion,
      left: Math.round(leftMs / 3_600_000),
    }
  }

  let runs = 0
  test('/v1/commands equals its parts in order', async (t) => {
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        runs += 1
        const together = await run(list.map(({ at, part }) => ({ timerId: `l${runs}-${at}`, ...part })))
        const apart: Result[] = []
        for (const { at, part } of list) apart.push(await alone(`m${runs}-${at}`, part))
        // Versions of a fresh id begin above those of its partition, so they are told from its first on.
        const told = (results: readonly Result[]) => {
          const first = new Map<number, number>()
          return results.map((result, i) => {
            const at = list[i]?.at ?? 0
            if (result.status === 201) first.set(at, result.timer?.version ?? 0)
            return essence(result, first.get(at) ?? 0)
          })
        }
        assert.deepEqual(told(together), told(apart))
      }),
      { seed: seedOf(t), numRuns: 60, endOnFailure: true },
    )
  })
}
