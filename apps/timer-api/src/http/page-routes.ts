// The rows for people and their tools: the page, the documents, what each problem means, the time.

import { errorTable, isErrorCode, type Refusal } from '@timers/shared/errors.ts'
import type { Answer } from './answer.ts'
import type { Call } from './call.ts'
import { escape, htmlAnswer, htmlType, shell } from './html.ts'
import { route, type Route } from './route.ts'
import type { Services } from './services.ts'

function time({ receivedAtMs }: Call<undefined, undefined>, { clock }: Services): Answer | Refusal {
  const times = { t1: receivedAtMs, t2: clock.nowMs(), errorMs: clock.errorMs() }
  if (times.errorMs === Infinity)
    return { code: 'unavailable', detail: 'The time is not known at the moment.', retryAfterMs: 500 }
  return { status: 200, headers: { 'cache-control': 'no-store' }, body: JSON.stringify(times) }
}

function problem({ id }: Call<undefined, undefined>): Answer | Refusal {
  if (!isErrorCode(id)) return { code: 'not_found', detail: 'There is no problem of this name.' }
  const { title, http, grpc, meaning } = errorTable[id]
  return htmlAnswer(
    shell(
      title,
      `<h1>${escape(title)}</h1><p>${escape(meaning)}</p>
       <p><code>${id}</code> · HTTP ${http} · gRPC <code>${grpc}</code></p>
       <p><a href="/docs">All of the API</a></p>`,
    ),
  )
}

export const pageRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/time',
    name: 'getTime',
    summary: 'The time by which timers run, to measure your clock against',
    scope: null,
    success: [
      { status: 200, description: 'When the request came and when this was sent, epoch ms.', schema: 'Time' },
    ],
    refusals: ['unavailable'],
    handle: time,
  }),
  route({
    method: 'GET',
    path: '/openapi.json',
    name: 'getOpenApi',
    summary: 'This API as OpenAPI 3.1',
    scope: null,
    success: [{ status: 200, description: 'The document.', mediaType: 'application/json' }],
    handle: (_call, { documents }) => documents.openApi,
  }),
  route({
    method: 'GET',
    path: '/docs',
    name: 'getDocs',
    summary: 'This API for reading',
    scope: null,
    success: [{ status: 200, description: 'A page.', mediaType: htmlType }],
    produces: htmlType,
    handle: (_call, { documents }) => documents.docs,
  }),
  route({
    method: 'GET',
    path: '/problems/{code}',
    name: 'getProblem',
    summary: 'What a problem means and what to do',
    scope: null,
    success: [{ status: 200, description: 'A page.', mediaType: htmlType }],
    refusals: ['not_found'],
    produces: htmlType,
    handle: problem,
  }),
  route({
    method: 'GET',
    path: '/',
    name: 'getPage',
    summary: 'Timers by hand',
    scope: null,
    success: [{ status: 200, description: 'A page.', mediaType: htmlType }],
    produces: htmlType,
    handle: (_call, { documents }) => documents.home,
  }),
]
