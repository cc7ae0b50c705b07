// Prints the OpenAPI document: `npm run openapi` writes it to openapi.json, which is committed.

import { renderOpenApi } from './http/openapi.ts'
import { routes } from './http/routes.ts'

process.stdout.write(`${JSON.stringify(renderOpenApi(routes), undefined, 2)}\n`)
