// persistence: follows the logs into the read model, and answers questions from it.

import { runMain } from '@timers/shared/lifecycle.ts'
import { startPersistence } from './app.ts'
import { readPersistenceConfig } from './config.ts'

await runMain('persistence', (env) => startPersistence(readPersistenceConfig(env)))
