// timer-core: owns partitions of timers, changes and fires them through their logs.

import { runMain } from '@timers/shared/lifecycle.ts'
import { startTimerCore } from './app.ts'
import { readTimerCoreConfig } from './config.ts'

await runMain('timer-core', (env) => startTimerCore(readTimerCoreConfig(env)))
