// What only the file repository does: it saves, restores, serves on when it cannot save, and bounds its audit.

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createLogger } from '@timers/shared/logger.ts'
import { createSystemClock } from '@timers/shared/system-clock.ts'
import type { FileRepositoryOptions } from '../src/file/timer-repository.ts'
import { FileTimerRepository } from '../src/file/timer-repository.ts'
import { baseMs, makeEvent, makeTimer } from './events.ts'
import { eventually } from './eventually.ts'
import { at, list, Subject } from './repository-subject.ts'

const logger = createLogger({ role: 'persistence', name: 'test', level: 'silent' })
const dayMs = 86_400_000

describe('FileTimerRepository', () => {
  let directory = ''
  let failures = 0
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'timers-file-'))
    failures = 0
  })
  afterEach(async () => {
    await rm(directory, { recursive: true })
  })

  async function open(over: Partial<FileRepositoryOptions> = {}): Promise<Subject> {
    const deps = {
      clock: createSystemClock(),
      logger,
      onSaveFailure: () => {
        failures += 1
      },
    }
    return new Subject(await FileTimerRepository.open({ directory: join(directory, 'data'), ...over }, deps))
  }

  /** Since the last save. */
  async function saved(subject: Subject, sequence: number): Promise<void> {
    await eventually(async () => {
      const [position] = await subject.repository.durablePositions()
      assert.equal(position?.sequence, sequence)
    })
  }

  it('has everything again after a restart', async () => {
    const labels = Object.fromEntries([['__proto__', 'x']])
    const timer = makeTimer({ labels, unknown: { 802: [new Uint8Array([1, 255])] }, version: 2 ** 53 - 1 })
    {
      await using subject = await open()
      await subject.begin({ first: 2, gap: { from: 1, to: 1 } })
      const poison = [{ sequence: 2, reason: 'why', data: new Uint8Array([7]) }]
      await subject.apply(
        [makeEvent({ sequence: 3, timer }), at(3, 'gone', 1, { index: 1, type: 'deleted' })],
        {
          poison,
        },
      )
      assert.deepEqual(await subject.repository.durablePositions(), [])
    }
    await using subject = await open()
    const [position] = await subject.repository.positions()
    assert.deepEqual([position?.sequence, position?.term, position?.storedAtMs], [3, 't1', baseMs])
    assert.deepEqual((await subject.repository.list(list)).items, [timer])
    const query = { tenantId: 'default', timerId: 'tea', afterVersion: 0, limit: 5 }
    const { items } = await subject.repository.timerEvents(0, query)
    assert.deepEqual(
      items.map(({ timer: found, gap }) => [found, gap]),
      [[timer, true]],
    )
    assert.match(
      await readFile(join(directory, 'data', 'read-model.jsonl'), 'utf8'),
      /"poison":\{"sequence":2/,
    )
    // What it read twice is there once.
    subject.build = position?.build ?? ''
    await subject.apply([makeEvent({ sequence: 3, timer }), at(4, 'tea2', 1)])
    assert.equal((await subject.repository.timerEvents(0, query)).items.length, 1)
    assert.equal(await subject.apply([at(5, 'gone', 1)]), true)
    assert.deepEqual(await subject.ids(), ['tea', 'tea2'])
  })

  it('saves within a second or so by itself, and goes back to a backup when the file is damaged', async () => {
    await using subject = await open()
    await subject.begin()
    await subject.apply([at(1, 'x', 1)])
    await saved(subject, 1)
    const path = join(directory, 'data', 'read-model.jsonl')
    const text = await readFile(path, 'utf8')
    await writeFile(`${path}.1`, text)
    await writeFile(path, text.slice(0, -10))
    await using again = await open()
    assert.deepEqual(await again.ids(), ['x'])
  })

  it('serves on from memory when it cannot save, says so, and saves all when it can again', async () => {
    const blocked = join(directory, 'data')
    await writeFile(blocked, 'a file where the directory should be')
    await using subject = await open()
    await subject.begin()
    await subject.apply([at(1, 'x', 1)])
    await eventually(() => {
      assert.ok(failures >= 2)
    })
    const { ready, reasons } = subject.repository.health()
    assert.ok(ready)
    assert.match(reasons[0] ?? '', /^serves from memory: cannot save .*: (ENOTDIR|EEXIST)$/)
    await subject.apply([at(2, 'y', 1)])
    assert.deepEqual(await subject.ids(), ['x', 'y'])
    assert.deepEqual(await subject.repository.durablePositions(), [])

    await rm(blocked)
    await saved(subject, 2)
    assert.deepEqual(subject.repository.health(), { ready: true, reasons: [] })
    await using again = await open()
    assert.deepEqual(await again.ids(), ['x', 'y'])
  })

  it('bounds the audit, and tells that there was more', async () => {
    await using subject = await open({ bounds: { events: 10 } })
    await subject.begin()
    for (let version = 1; version <= 30; version += 1) await subject.apply([at(version, 'x', version)])
    const query = { tenantId: 'default', timerId: 'x', afterVersion: 0, limit: 500 }
    const { items } = await subject.repository.timerEvents(0, query)
    assert.ok(items.length >= 10 && items.length <= 11, `${items.length} events`)
    assert.equal(items.at(-1)?.timer.version, 30)
    assert.deepEqual(
      items.map(({ gap }) => gap),
      [true, ...items.slice(1).map(() => false)],
    )
    const later = { ...query, afterVersion: items[0]?.timer.version ?? 0 }
    assert.equal((await subject.repository.timerEvents(0, later)).items[0]?.gap, false)
  })

  it('forgets deleted timers and audit that are past their age', async () => {
    await using subject = await open()
    await subject.begin()
    const nowMs = Date.now()
    await subject.apply([
      at(1, 'old', 1, { occurredAtMs: nowMs - 91 * dayMs }),
      at(1, 'long-gone', 1, { index: 1, type: 'deleted', occurredAtMs: nowMs - 31 * dayMs }),
      at(1, 'gone', 1, { index: 2, type: 'deleted', occurredAtMs: nowMs - 29 * dayMs }),
    ])
    await saved(subject, 1)
    const text = await readFile(join(directory, 'data', 'read-model.jsonl'), 'utf8')
    const timers = [...text.matchAll(/^\{"timer".*?"timerId":"([^"]*)"/gm)].map(([, id]) => id)
    const events = [...text.matchAll(/^\{"event".*?"timerId":"([^"]*)"/gm)].map(([, id]) => id)
    assert.deepEqual(timers, ['old', 'gone'])
    assert.deepEqual(events, ['long-gone', 'gone'])
  })
})
