// The OpenAPI document for reading: one page, nothing loaded from elsewhere.

import { errorTable } from '@timers/shared/errors.ts'
import { escape, shell } from './html.ts'
import type { OpenApi, OpenApiOperation } from './openapi.ts'

export function docsPage(document: OpenApi): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  )
  const contents = operations.map(
    ({ method, path, operation }) =>
      `<tr><td><code>${method}</code></td><td><a href="#${operation.operationId}"><code>${escape(path)}</code></a></td><td>${escape(operation.summary)}</td></tr>`,
  )
  const sections = operations.map(({ method, path, operation }) =>
    section(method, path, operation, document.components),
  )
  const shapes = Object.entries(document.components.schemas).map(([name, schema]) =>
    details(name, schema, `schema-${name}`),
  )
  return shell(
    'Timers: the API',
    `<h1>Timers: the API</h1>
     <p>${escape(String(document.info.description))}</p>
     <p><a href="/openapi.json">openapi.json</a> · <a href="/">the page</a></p>
     <table>${contents.join('')}</table>
     ${sections.join('')}
     <section><h2>Problems</h2><table>${problemRows()}</table></section>
     <section><h2>Shapes</h2>${shapes.join('')}</section>`,
  )
}

function section(
  method: string,
  path: string,
  { operationId, summary, description, parameters, requestBody, responses }: OpenApiOperation,
  components: OpenApi['components'],
): string {
  const rows = parameters.map(
    ({ name, in: place, schema, description: text }) =>
      `<tr><td><code>${escape(String(name))}</code></td><td>${escape(String(place))}</td><td>${escape(typeof text === 'string' ? text : '')} <code>${escape(JSON.stringify(schema))}</code></td></tr>`,
  )
  const answers = Object.entries(responses).map(
    ([status, response]) => `<tr><td>${status}</td><td>${answer(resolved(response, components))}</td></tr>`,
  )
  return `<section id="${operationId}"><h2><code>${method} ${escape(path)}</code></h2>
    <p>${escape(summary)}.</p>
    ${description === undefined ? '' : `<p>${prose(description)}</p>`}
    ${rows.length > 0 ? `<table>${rows.join('')}</table>` : ''}
    ${requestBody === undefined ? '' : details('Body', requestBody.content)}
    <table>${answers.join('')}</table></section>`
}

/** Escaped, with `code` as it is meant. */
function prose(text: string): string {
  return escape(text).replace(/`([^`]+)`/g, '<code>$1</code>')
}

type Response = Readonly<Record<string, unknown>>

function resolved(response: Response, { responses }: OpenApi['components']): Response {
  const name = typeof response.$ref === 'string' ? response.$ref.split('/').at(-1) : undefined
  return (name === undefined ? undefined : responses[name]) ?? response
}

function answer({ description, content = '' }: Response): string {
  const name = /#\/components\/schemas\/(\w+)/.exec(JSON.stringify(content))?.[1]
  const shape = name === undefined ? '' : `<a href="#schema-${name}">${name}</a>`
  return `${prose(String(description))} ${shape}`
}

function details(title: string, value: unknown, id?: string): string {
  const anchor = id === undefined ? '' : ` id="${id}"`
  return `<details${anchor}><summary>${escape(title)}</summary><pre>${escape(JSON.stringify(value, undefined, 2))}</pre></details>`
}

function problemRows(): string {
  return Object.entries(errorTable)
    .map(
      ([code, { http, title }]) =>
        `<tr><td>${http}</td><td><a href="/problems/${code}"><code>${code}</code></a></td><td>${escape(title)}</td></tr>`,
    )
    .join('')
}
