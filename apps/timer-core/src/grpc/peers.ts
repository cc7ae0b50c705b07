// The other nodes of the core, over gRPC.

import { credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import { TimerCoreClient, type HandOverAnswer } from '@timers/proto/timers/core/v1/core.ts'
import { peerTimes, type Peers } from '../placement/peers.ts'

/** A channel is kept for each address; there are as many as nodes were met. */
export class GrpcPeers implements Peers, Disposable {
  readonly #clients = new Map<string, TimerCoreClient>()

  prepare({ address }: { readonly address: string }, partition: number): Promise<boolean> {
    return this.#ask(address, (client, answer) => {
      client.prepare({ partition }, new Metadata(), { deadline: Date.now() + peerTimes.prepareMs }, answer)
    })
  }

  take({ address }: { readonly address: string }, partition: number): Promise<boolean> {
    return this.#ask(address, (client, answer) => {
      client.take({ partition }, new Metadata(), { deadline: Date.now() + peerTimes.takeMs }, answer)
    })
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients.values()) client.close()
    this.#clients.clear()
  }

  #ask(
    address: string,
    send: (
      client: TimerCoreClient,
      answer: (error: ServiceError | null, response?: HandOverAnswer) => void,
    ) => void,
  ): Promise<boolean> {
    let client = this.#clients.get(address)
    if (client === undefined) {
      client = new TimerCoreClient(address, credentials.createInsecure())
      this.#clients.set(address, client)
    }
    const asked = client
    return new Promise((resolve) => {
      send(asked, (error, response) => {
        resolve(error === null && response?.done === true)
      })
    })
  }
}
