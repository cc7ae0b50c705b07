import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { credentials, makeClientConstructor, status, type ServiceError } from '@grpc/grpc-js'
import { TimerCoreClient, TimerCoreService, type TimerCoreServer } from '@timers/proto/timers/core/v1/core.ts'
import { service as healthService } from 'grpc-health-check'
import { quiet } from '../test/quiet.ts'
import { serveGrpc, type GrpcServer } from './serve.ts'

const name = 'timers.core.v1.TimerCore'

function serve(implementation: Partial<TimerCoreServer>, maxMessageBytes?: number): Promise<GrpcServer> {
  const services = [
    {
      name,
      definition: TimerCoreService,
      implementation: { ...nothing, ...implementation } as TimerCoreServer,
    },
  ]
  const limit = maxMessageBytes === undefined ? {} : { maxMessageBytes }
  return serveGrpc({ host: '127.0.0.1', port: 0, services, drainMs: 300, ...limit }, { logger: quiet })
}

const nothing: TimerCoreServer = {
  execute(call, callback) {
    const { partition, session } = call.request
    callback(null, { partition, session, results: [], notOwner: undefined, unanswered: [], mayBeDone: false })
  },
  stream(call) {
    call.on('data', () => undefined).on('error', () => undefined)
  },
  get(_, callback) {
    callback({ code: status.UNIMPLEMENTED })
  },
  scan(call) {
    call.end()
  },
  prepare(_, callback) {
    callback({ code: status.UNIMPLEMENTED })
  },
  take(_, callback) {
    callback({ code: status.UNIMPLEMENTED })
  },
}

function execute(client: TimerCoreClient, session: string): Promise<string> {
  return new Promise((resolve, reject) => {
    client.execute({ partition: 1, session, answeredBelow: 0, commands: [] }, (error, result) => {
      if (error === null) resolve(result.session)
      else reject(error)
    })
  })
}

function connect(server: GrpcServer): TimerCoreClient & Disposable {
  const client = new TimerCoreClient(server.address, credentials.createInsecure())
  return Object.assign(client, {
    [Symbol.dispose]: () => {
      client.close()
    },
  })
}

type HealthAnswer = { status: string } | undefined
const HealthClient = makeClientConstructor(healthService, 'Health')

function health(server: GrpcServer, service: string): Promise<HealthAnswer> {
  const client = new HealthClient(server.address, credentials.createInsecure())
  return new Promise((resolve, reject) => {
    const check = client['check'] as unknown as (
      request: object,
      callback: (error: ServiceError | null, answer: HealthAnswer) => void,
    ) => void
    check.call(client, { service }, (error, answer) => {
      client.close()
      if (error === null) resolve(answer)
      else reject(error)
    })
  })
}

describe('the gRPC server', { timeout: 30_000 }, () => {
  it('serves its services and says so', async () => {
    await using server = await serve({})
    assert.equal(server.address, `127.0.0.1:${server.port}`)
    using client = connect(server)
    assert.equal(await execute(client, 'abc'), 'abc')
    assert.deepEqual(await health(server, ''), { status: 'SERVING' })
    assert.deepEqual(await health(server, name), { status: 'SERVING' })
    await assert.rejects(health(server, 'other'), { code: status.NOT_FOUND })
  })

  it('tells what it serves by reflection', async () => {
    await using server = await serve({})
    const client = new ReflectionClient(server.address, credentials.createInsecure())
    const call = (client['serverReflectionInfo'] as () => NodeJS.ReadWriteStream).call(client)
    const answered = once(call, 'data') as Promise<[Buffer]>
    call.write(listServices as never)
    const [answer] = await answered
    call.end()
    client.close()
    assert.ok(answer.includes(name), answer.toString('latin1'))
  })

  it('refuses a message over its limit, and goes on', async () => {
    await using server = await serve({}, 10_000)
    using client = connect(server)
    await assert.rejects(execute(client, 'x'.repeat(20_000)), { code: status.RESOURCE_EXHAUSTED })
    assert.equal(await execute(client, 'x'), 'x')
  })

  it('lets calls finish when it is disposed of', async () => {
    const reached = Promise.withResolvers<() => void>()
    const server = await serve({
      execute(call, callback) {
        reached.resolve(() => {
          nothing.execute(call, callback)
        })
      },
    })
    using client = connect(server)
    const answered = execute(client, 'late')
    const finish = await reached.promise
    const disposed = server[Symbol.asyncDispose]()
    finish()
    assert.equal(await answered, 'late')
    await disposed
  })

  it('cuts off what does not finish', async () => {
    const server = await serve({})
    using client = connect(server)
    const stream = client.stream()
    const lost = once(stream, 'error')
    stream.write({ groups: [] })
    await execute(client, 'the stream is open too')
    const startedAtMs = performance.now()
    await Promise.all([server[Symbol.asyncDispose](), assert.doesNotReject(lost)])
    const tookMs = performance.now() - startedAtMs
    assert.ok(tookMs > 250 && tookMs < 5000, `${tookMs} ms`)
  })

  it('rejects when it cannot listen there', async () => {
    await using server = await serve({})
    const taken = { host: '127.0.0.1', port: server.port, services: [] }
    await assert.rejects(serveGrpc(taken, { logger: quiet }))
  })
})

// Reflection without its schema: raw bytes of ServerReflectionRequest{list_services: ""} and of the answer.
const bytes = (value: Buffer): Buffer => value
const listServices = Buffer.from([0x3a, 0x00])
const ReflectionClient = makeClientConstructor(
  {
    serverReflectionInfo: {
      path: '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
      requestStream: true,
      responseStream: true,
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    },
  },
  'ServerReflection',
)
