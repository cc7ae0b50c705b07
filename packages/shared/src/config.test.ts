import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { commonShape, ConfigError, nodeName, readConfig, wholeNumber } from './config.ts'
import { z } from 'zod'

const shape = { ...commonShape, PARTITIONS: wholeNumber(1, 4096), DATA_DIR: z.string() }

function faultsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    readConfig(shape, env)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.faults
  }
  return []
}

describe('the configuration', () => {
  it('has defaults, takes an empty variable for an absent one, and ignores what it does not know', () => {
    const env = { DATA_DIR: '/data', PARTITIONS: '64', OPS_PORT: '', OTHER: 'x' }
    assert.deepEqual(readConfig(shape, env), {
      DATA_DIR: '/data',
      PARTITIONS: 64,
      NATS_URL: ['nats://127.0.0.1:4222'],
      OPS_HOST: '127.0.0.1',
      OPS_PORT: 0,
      LOG_LEVEL: 'info',
      NODE_ENV: 'development',
    })
  })

  it('reads a list of servers', () => {
    const env = { DATA_DIR: '/', PARTITIONS: '1', NATS_URL: 'nats://a:1, nats://b:2' }
    assert.deepEqual(readConfig(shape, env).NATS_URL, ['nats://a:1', 'nats://b:2'])
  })

  it('tells every fault at once, by name', () => {
    const env = {
      NODE_NAME: 'a b',
      OPS_PORT: '65536',
      LOG_LEVEL: 'loud',
      NATS_URL: 'a,,b',
      PARTITIONS: '0x10',
    }
    const names = faultsOf(env).map((fault) => fault.split(' ')[0])
    assert.deepEqual(names.sort(), [
      'DATA_DIR',
      'LOG_LEVEL',
      'NATS_URL',
      'NODE_NAME',
      'OPS_PORT',
      'PARTITIONS',
    ])
    assert.ok(faultsOf(env).includes('DATA_DIR is required'))
    assert.ok(faultsOf(env).includes('PARTITIONS must be an integer from 1 to 4096'))
  })

  it('takes only decimal integers for numbers', () => {
    for (const bad of ['-1', '1.5', '1e3', ' 1', '0', '4097', '99999999999999999999']) {
      assert.equal(faultsOf({ DATA_DIR: '/', PARTITIONS: bad }).length, 1, bad)
    }
  })

  it('names a node after its role and host where nothing else is said', () => {
    assert.equal(nodeName('timer-api', 'mine'), 'mine')
    assert.match(nodeName('timer-api', undefined), /^timer-api-[A-Za-z0-9._-]+$/)
  })
})
