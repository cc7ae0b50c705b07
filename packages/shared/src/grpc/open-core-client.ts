// The client of the core over gRPC, as every service has it.

import { randomBytes } from 'node:crypto'
import { createCoreClient, type CoreClient, type CoreClientDeps } from './core-client.ts'
import { openGrpcChannel } from './grpc-channel.ts'

export function openCoreClient(
  { partitionCount }: { readonly partitionCount: number },
  deps: Omit<CoreClientDeps, 'openChannel'>,
): CoreClient {
  const session = randomBytes(8).toString('hex')
  return createCoreClient({ partitionCount, session }, { ...deps, openChannel: openGrpcChannel })
}
