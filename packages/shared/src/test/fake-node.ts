// A timer-core node of which a test says what it does with each group: for the client's side of the protocol,
// where a real node could not be made to lose or refuse at the moment that counts.

import { Metadata, status } from '@grpc/grpc-js'
import {
  TimerCoreService,
  type CommandGroup,
  type GroupResult,
  type StreamRequest,
  type StreamResponse,
  type TimerCoreServer,
} from '@timers/proto/timers/core/v1/core.ts'
import { serveGrpc, type GrpcServer } from '../grpc/serve.ts'
import { quiet } from './quiet.ts'

/** What a node does with a group: answers it, keeps it, or loses the stream it came on. */
export type Deed = Partial<GroupResult> | 'keep' | 'lose'

/** A timer-core node that does as it is told. */
export class FakeNode implements AsyncDisposable {
  readonly name: string
  readonly heard: CommandGroup[] = []
  deed: (group: CommandGroup) => Deed
  /** Reads that it has not answered, as it never does, and that are wanted still. */
  reads = 0
  #server: GrpcServer | undefined

  constructor(name: string, deed: (group: CommandGroup) => Deed) {
    this.name = name
    this.deed = deed
  }

  get address(): string {
    return this.#server?.address ?? ''
  }
  /** The n of each group, in the order they came. */
  get ns(): number[][] {
    return this.heard.map(({ commands }) => commands.map(({ n }) => n))
  }

  async start(): Promise<this> {
    const implementation = {
      get: (call) => {
        this.reads += 1
        call.on('cancelled', () => {
          this.reads -= 1
        })
      },
      stream: (call) => {
        call.sendMetadata(new Metadata())
        call.on('error', () => undefined)
        call.on('data', ({ groups }: StreamRequest) => {
          for (const group of groups) {
            this.heard.push(group)
            const deed = this.deed(group)
            if (deed === 'lose')
              call.emit('error', Object.assign(new Error('lost'), { code: status.UNAVAILABLE }))
            else if (deed !== 'keep')
              call.write({ results: [resultOf(group, deed)] } satisfies StreamResponse)
          }
        })
      },
    } satisfies Partial<TimerCoreServer>
    const name = 'timers.core.v1.TimerCore'
    const services = [{ name, definition: TimerCoreService, implementation: { ...implementation } }]
    this.#server = await serveGrpc({ host: '127.0.0.1', port: 0, services, drainMs: 50 }, { logger: quiet })
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]()
  }
}

function resultOf({ partition, session }: CommandGroup, more: Partial<GroupResult>): GroupResult {
  return { partition, session, results: [], notOwner: undefined, unanswered: [], mayBeDone: false, ...more }
}
