// The operator's door of every service, on a port of its own: /livez, /readyz, /metrics.
// It shows nothing of any tenant.

import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from 'prom-client'

export interface Readiness {
  readonly ready: boolean
  /** Why not, or what is worth knowing. */
  readonly reasons: readonly string[]
}

export interface OpsServer extends AsyncDisposable {
  readonly url: string
}

interface OpsDeps {
  readonly registry: Registry
  readonly readiness: () => Readiness | Promise<Readiness>
}

const readinessWithinMs = 2000
const connectionsMost = 64

export async function startOpsServer(
  options: { host: string; port: number },
  deps: OpsDeps,
): Promise<OpsServer> {
  const server = createServer({ requestTimeout: 5000, headersTimeout: 5000 }, (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      answer(response, 405, 'text/plain', 'method not allowed\n')
      return
    }
    answerPath(request.url?.split('?', 1)[0] ?? '', response, deps).catch((error: unknown) => {
      answer(response, 500, 'text/plain', `${String(error)}\n`)
    })
  })
  server.maxConnections = connectionsMost
  server.listen(options.port, options.host)
  await once(server, 'listening')
  const { address, family, port } = server.address() as AddressInfo
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function answerPath(path: string, response: ServerResponse, deps: OpsDeps): Promise<void> {
  switch (path) {
    case '/livez':
      // That the event loop answers, and nothing else.
      answer(response, 200, 'text/plain', 'ok\n')
      return
    case '/readyz': {
      const readiness = await readinessOf(deps)
      answer(response, readiness.ready ? 200 : 503, 'application/json', `${JSON.stringify(readiness)}\n`)
      return
    }
    case '/metrics':
      answer(response, 200, deps.registry.contentType, await deps.registry.metrics())
      return
    default:
      answer(response, 404, 'text/plain', 'not found: /livez, /readyz, /metrics\n')
  }
}

async function readinessOf(deps: OpsDeps): Promise<Readiness> {
  const late = Promise.withResolvers<Readiness>()
  const timeout = setTimeout(() => {
    late.resolve({ ready: false, reasons: [`readiness not known within ${readinessWithinMs} ms`] })
  }, readinessWithinMs)
  try {
    return await Promise.race([deps.readiness(), late.promise])
  } finally {
    clearTimeout(timeout)
  }
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' })
  response.end(body)
}
