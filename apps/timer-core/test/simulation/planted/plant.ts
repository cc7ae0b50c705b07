// Loaded before everything else: edits the text of a module on its way in, as the planted bug in PLANTED says.

import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { edits } from './edits.ts'

const name = process.env['PLANTED'] ?? ''
const edit = edits[name]

if (edit !== undefined) {
  const url = pathToFileURL(join(import.meta.dirname, '../../../src', edit.file)).href
  registerHooks({
    load(loaded, context, next) {
      const module = next(loaded, context)
      if (loaded !== url) return module
      const { source } = module
      const text = typeof source === 'string' ? source : new TextDecoder().decode(source ?? undefined)
      if (text.split(edit.from).length !== 2)
        throw new Error(`The planted bug "${name}" does not fit ${edit.file} any more: mend it in planted/`)
      return { ...module, source: text.replace(edit.from, edit.to) }
    },
  })
}
