import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import test from 'node:test'
import { docsPage } from './docs-page.ts'
import { renderOpenApi } from './openapi.ts'
import { routes } from './routes.ts'

const rendered = renderOpenApi(routes)

test('the committed document is the rendered one; `npm run openapi` renders it again', async () => {
  const committed = await readFile(new URL('../../openapi.json', import.meta.url), 'utf8')
  assert.equal(committed, `${JSON.stringify(rendered, undefined, 2)}\n`)
})

test('every reference leads somewhere, every operation has its own name', () => {
  const text = JSON.stringify(rendered)
  for (const [, where = ''] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
    let at: unknown = rendered
    for (const part of where.split('/')) at = (at as Record<string, unknown>)[part]
    assert.ok(at, where)
  }
  const names = routes.map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
  const rows = routes.map(({ method, path }) => `${method} ${path}`)
  assert.equal(new Set(rows).size, rows.length)
})

test('only what another service answers has no handler', () => {
  assert.deepEqual(
    routes.filter(({ handle }) => handle === undefined).map(({ path }) => path),
    ['/v1/stream'],
  )
})

test('the page of the document names every operation and loads nothing', () => {
  const page = docsPage(rendered)
  for (const { name } of routes) assert.ok(page.includes(`id="${name}"`), name)
  assert.doesNotMatch(page, /src=|<script|https?:\/\//)
})
