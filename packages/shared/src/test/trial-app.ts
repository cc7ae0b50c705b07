// A service that does nothing, run as a process of its own by lifecycle.test.ts. TRIAL says how it is broken.

import { setTimeout as delay } from 'node:timers/promises'
import { commonShape, nodeName, readConfig, wholeNumber } from '../config.ts'
import { runMain, type RunningApp } from '../lifecycle.ts'

async function start(env: NodeJS.ProcessEnv): Promise<RunningApp> {
  const config = readConfig({ ...commonShape, SPEED: wholeNumber(1, 9).default(1) }, env)
  const trial = env['TRIAL']
  const works = setInterval(() => undefined, 1000)
  if (trial === 'slow start') await delay(60_000)
  if (trial === 'start fails') {
    clearInterval(works)
    throw new Error('no way')
  }
  if (trial === 'throws') setImmediate(() => void delay(1).then(() => Promise.reject(new Error('a bug'))))
  const failed = Promise.withResolvers<never>()
  if (trial === 'fails') setImmediate(failed.reject, new Error('lost everything'))
  return {
    name: nodeName('trial', config.NODE_NAME),
    ops: 'http://127.0.0.1:1',
    grpc: '127.0.0.1:2',
    failed: failed.promise,
    async [Symbol.asyncDispose]() {
      if (trial === 'stop hangs') await new Promise(() => undefined)
      if (trial === 'stop fails') {
        clearInterval(works)
        throw new Error('stuck')
      }
      await delay(50)
      if (trial !== 'leaks') clearInterval(works)
      process.stderr.write('disposed\n')
    },
  }
}

await runMain('trial', start)
