// timer-api: the REST API. The process and nothing else.

import { runMain } from '@timers/shared/lifecycle.ts'
import { startTimerApi } from './app.ts'
import { readTimerApiConfig } from './config.ts'

await runMain('timer-api', (env) => startTimerApi(readTimerApiConfig(env)))
