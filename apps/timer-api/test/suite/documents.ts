// The documents and the page.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { errorTable } from '@timers/shared/errors.ts'
import type { Api } from '../world.ts'

export function documents(api: () => Api): void {
  test('/openapi.json is the committed document', async () => {
    const committed: unknown = JSON.parse(
      await readFile(new URL('../../openapi.json', import.meta.url), 'utf8'),
    )
    assert.deepEqual((await api().get('/openapi.json')).json, committed)
  })

  test('pages are HTML that may load and run nothing of others', async () => {
    for (const path of ['/', '/docs', '/problems/wrong_state']) {
      const { status, headers, text } = await api().get(path, { accept: 'text/html,*/*;q=0.1' })
      assert.equal(status, 200)
      assert.equal(headers['content-type'], 'text/html; charset=utf-8')
      assert.match(headers['content-security-policy'] ?? '', /^default-src 'none';/)
      assert.doesNotMatch(text, /(?:src|href)="(?:https?:)?\/\//)
    }
    assert.equal((await api().get('/', { accept: 'application/json' })).problem.code, 'not_acceptable')
  })

  test('every problem has its page', async () => {
    for (const [code, { meaning }] of Object.entries(errorTable)) {
      assert.ok((await api().get(`/problems/${code}`)).text.includes(meaning.slice(0, 20)))
    }
    assert.equal((await api().get('/problems/none')).problem.code, 'not_found')
    assert.equal((await api().get('/problems/__proto__')).problem.code, 'not_found')
  })

  test('GET / fits in 200 lines', async () => {
    assert.ok((await api().get('/')).text.split('\n').length <= 201)
  })
}
