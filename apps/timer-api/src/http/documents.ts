// What is shown as it is: made once, at the start.

import { readFile } from 'node:fs/promises'
import { docsPage } from './docs-page.ts'
import { htmlAnswer } from './html.ts'
import { renderOpenApi } from './openapi.ts'
import { routes } from './routes.ts'
import type { Documents } from './services.ts'

export async function loadDocuments(): Promise<Documents> {
  const openApi = renderOpenApi(routes)
  const home = await readFile(new URL('page.html', import.meta.url), 'utf8')
  return {
    home: htmlAnswer(home),
    docs: htmlAnswer(docsPage(openApi)),
    openApi: { status: 200, headers: { 'cache-control': 'no-cache' }, body: JSON.stringify(openApi) },
  }
}
