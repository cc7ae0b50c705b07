import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { readNewest, writeSafely } from './safe-file.ts'

describe('safe file', () => {
  let directory = ''
  let path = ''
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'timers-safe-file-'))
    path = join(directory, 'deep', 'model.jsonl')
  })
  afterEach(async () => {
    await rm(directory, { recursive: true })
  })

  async function read(): Promise<{ lines: string[]; damaged: string[] }> {
    const found: { lines: string[]; damaged: string[] } = { lines: [], damaged: [] }
    await readNewest(
      path,
      (lines) => {
        found.lines = [...lines]
      },
      (damaged) => found.damaged.push(damaged.slice(path.length)),
    )
    return found
  }

  it('brings the lines back, many and long ones too', async () => {
    const lines = Array.from({ length: 3000 }, (_, i) => `{"n":${i},"é":"${'x'.repeat(i % 200)}"}`)
    await writeSafely(path, lines, true)
    assert.deepEqual(await read(), { lines, damaged: [] })
    await writeSafely(path, [], true)
    assert.deepEqual(await read(), { lines: [], damaged: [] })
  })

  it('finds nothing where nothing is', async () => {
    assert.equal(
      await readNewest(
        path,
        () => undefined,
        () => assert.fail(),
      ),
      false,
    )
  })

  it('leaves what was there when writing fails, and nothing beside it', async () => {
    await writeSafely(path, ['old'], true)
    function* failing(): Generator<string> {
      yield 'x'.repeat(200_000)
      throw new Error('disk full')
    }
    await assert.rejects(writeSafely(path, failing(), true), /disk full/)
    assert.deepEqual(await read(), { lines: ['old'], damaged: [] })
    assert.deepEqual(await readdir(join(directory, 'deep')), ['model.jsonl'])
  })

  it('keeps three backups, and replaces the file in place when none is asked for', async () => {
    for (const content of ['1', '2', '3', '4', '5']) await writeSafely(path, [content], true)
    await writeSafely(path, ['6'], false)
    const contents = await Promise.all(
      ['', '.1', '.2', '.3'].map(async (suffix) => (await readFile(path + suffix, 'utf8')).split('\n')[0]),
    )
    assert.deepEqual(contents, ['6', '4', '3', '2'])
    assert.equal((await readdir(join(directory, 'deep'))).length, 4)
  })

  const damages: [string, () => Promise<void>][] = [
    ['cut short', () => truncate(path, 3)],
    ['cut by its last line', async () => writeFile(path, 'new\n')],
    ['emptied', () => truncate(path, 0)],
    ['longer', () => appendFile(path, 'x')],
    ['altered', async () => writeFile(path, (await readFile(path, 'utf8')).replace('new', 'nex'))],
  ]
  for (const [name, damage] of damages) {
    it(`reads the newest backup when the file is ${name}, and does not let it into the backups`, async () => {
      await writeSafely(path, ['older'], true)
      await writeSafely(path, ['old'], true)
      await writeSafely(path, ['new'], true)
      await damage()
      assert.deepEqual(await read(), { lines: ['old'], damaged: [''] })
      await writeSafely(path, ['next'], true)
      assert.deepEqual(await read(), { lines: ['next'], damaged: [] })
      assert.equal((await readFile(`${path}.1`, 'utf8')).split('\n')[0], 'old')
    })
  }

  it('goes on to an older one when the content is refused', async () => {
    await writeSafely(path, ['good'], true)
    await writeSafely(path, ['bad'], true)
    const taken: string[] = []
    await readNewest(
      path,
      (lines) => {
        const all = [...lines]
        if (all.includes('bad')) throw new Error('bad')
        taken.push(...all)
      },
      () => undefined,
    )
    assert.deepEqual(taken, ['good'])
  })
})
