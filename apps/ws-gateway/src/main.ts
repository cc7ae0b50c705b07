// ws-gateway: viewers watch timers through it, over WebSocket and SSE.

import { runMain } from '@timers/shared/lifecycle.ts'
import { startWsGateway } from './app.ts'
import { readWsGatewayConfig } from './config.ts'

await runMain('ws-gateway', (env) => startWsGateway(readWsGatewayConfig(env)))
