// Pages: whole in themselves, and allowed to run no script but their own.

import { createHash } from 'node:crypto'
import type { Answer } from './answer.ts'

export const htmlType = 'text/html; charset=utf-8'

export function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

/** A page of text around `body`, which is HTML. */
export function shell(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<title>${escape(title)}</title>
<style>
  :root { color-scheme: light dark; }
  body { font: 16px/1.55 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
  code, pre { font: 0.875em/1.5 ui-monospace, monospace; }
  code { background: color-mix(in srgb, currentColor 9%, transparent); padding: 0.1em 0.3em; border-radius: 4px; }
  pre { background: color-mix(in srgb, currentColor 7%, transparent); padding: 0.75rem; border-radius: 8px; overflow-x: auto; }
  section { border-top: 1px solid color-mix(in srgb, currentColor 18%, transparent); margin-top: 2rem; }
  table { border-collapse: collapse; width: 100%; }
  th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.9rem 0.3rem 0; }
</style>
<main>${body}</main>
</html>
`
}

export function htmlAnswer(page: string): Answer {
  const hashes = [...page.matchAll(/<script>([^]*?)<\/script>/g)].map(
    ([, script = '']) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`,
  )
  const scripts = hashes.length > 0 ? `script-src ${hashes.join(' ')}; connect-src 'self';` : ''
  return {
    status: 200,
    headers: {
      'cache-control': 'no-cache',
      'content-security-policy': `default-src 'none'; ${scripts} style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      'x-content-type-options': 'nosniff',
    },
    type: htmlType,
    body: page,
  }
}
