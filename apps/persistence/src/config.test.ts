import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConfigError } from '@timers/shared/config.ts'
import { readPersistenceConfig } from './config.ts'

describe('readPersistenceConfig', () => {
  it('has defaults for all of MongoDB', () => {
    const config = readPersistenceConfig({ NODE_NAME: 'p1', MONGODB_URI: '' })
    assert.deepEqual(config.repository, { kind: 'mongo', uri: 'mongodb://127.0.0.1:27017/timers' })
    assert.deepEqual(
      [config.name, config.grpc, config.advertiseHost],
      ['p1', { host: '127.0.0.1', port: 0 }, '127.0.0.1'],
    )
  })

  it('takes files', () => {
    const { repository } = readPersistenceConfig({ REPOSITORY: 'file', DATA_DIR: '/data' })
    assert.deepEqual(repository, { kind: 'file', directory: '/data' })
  })

  it('advertises what others can reach', () => {
    assert.notEqual(readPersistenceConfig({ GRPC_HOST: '0.0.0.0' }).advertiseHost, '0.0.0.0')
    assert.equal(readPersistenceConfig({ GRPC_HOST: '::', ADVERTISE_HOST: 'me' }).advertiseHost, 'me')
  })

  it('tells every fault at once, by name', () => {
    assert.throws(
      () => readPersistenceConfig({ REPOSITORY: 'file', GRPC_PORT: '70000', MONGODB_URI: 'http://x' }),
      (error) => {
        assert.ok(error instanceof ConfigError)
        assert.deepEqual(
          error.faults.map((fault) => fault.split(' ')[0]),
          ['GRPC_PORT', 'MONGODB_URI', 'DATA_DIR'],
        )
        return true
      },
    )
  })
})
