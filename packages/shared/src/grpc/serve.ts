// A gRPC server as every service has it: its services, health, reflection, keepalive, and an end that
// lets calls finish but does not wait for them for ever.

import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader'
import { ReflectionService } from '@grpc/reflection'
import { HealthImplementation } from 'grpc-health-check'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Logger } from '../logger.ts'

export interface GrpcService {
  /** Full: package and service. */
  readonly name: string
  readonly definition: ServiceDefinition
  readonly implementation: UntypedServiceImplementation
}

export interface GrpcServer extends AsyncDisposable {
  /** host:port it is bound to. */
  readonly address: string
  readonly port: number
}

interface GrpcOptions {
  readonly host: string
  /** 0 = any free one. */
  readonly port: number
  readonly services: readonly GrpcService[]
  /** Of one message, either way; 4 MiB without it. */
  readonly maxMessageBytes?: number
  /** How long calls may take to finish once it is disposed of; 2 s without it. */
  readonly drainMs?: number
}

/** Throws when it cannot listen there. */
export async function serveGrpc(options: GrpcOptions, deps: { logger: Logger }): Promise<GrpcServer> {
  const { host, services, maxMessageBytes = 4 * 1024 * 1024, drainMs = 2000 } = options
  const server = new Server({
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': maxMessageBytes,
    // A peer that is gone without a word is noticed within 15 s.
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5000,
  })
  for (const { definition, implementation } of services) server.addService(definition, implementation)
  const names = services.map(({ name }) => name)
  const health = new HealthImplementation(Object.fromEntries(['', ...names].map((name) => [name, 'SERVING'])))
  health.addToServer(server)
  new ReflectionService(loadFileDescriptorSetFromBuffer(await readDescriptors()), {
    services: names,
  }).addToServer(server)

  const hostText = host.includes(':') ? `[${host}]` : host
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${hostText}:${options.port}`, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound)
      else reject(error)
    })
  })
  return {
    address: `${hostText}:${port}`,
    port,
    async [Symbol.asyncDispose]() {
      for (const name of ['', ...names]) health.setStatus(name, 'NOT_SERVING')
      await drain(server, drainMs, deps.logger)
    },
  }
}

function readDescriptors(): Promise<Buffer> {
  return readFile(fileURLToPath(import.meta.resolve('@timers/proto/descriptors.binpb')))
}

function drain(server: Server, drainMs: number, logger: Logger): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => {
      logger.warn({ drainMs }, 'gRPC calls did not finish in time: cut off')
      server.forceShutdown()
    }, drainMs)
    server.tryShutdown(() => {
      clearTimeout(force)
      resolve()
    })
  })
}
