// The way from a client to a core node: what grpc-channel.ts and timer-core-service.ts are over gRPC, in memory.
// The messages are the real ones, read and written by the real faces.

import type { GetResponse, GroupResult } from '@timers/proto/timers/core/v1/core.ts'
import { RefusalError } from '@timers/shared/errors.ts'
import type { NodeChannel, NodeStream, StreamEvents } from '@timers/shared/grpc/node-channel.ts'
import { get, submit, type CoreFaceDeps } from '../../../src/grpc/core-face.ts'
import { usualLatency } from './broker-link.ts'
import type { CoreNode } from './core-node.ts'
import { Pipe } from './pipe.ts'
import type { SimProcess } from './process.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

export interface ChannelDeps {
  readonly client: SimProcess
  readonly node: CoreNode | undefined
  readonly partitionCount: number
  readonly scheduler: Scheduler
  readonly random: Random
}

/** A node that says nothing for so long is given up: keepalive. */
const silentMs = 4000
const lookEveryMs = 500

export class CoreChannel implements NodeChannel {
  readonly node: CoreNode | undefined
  readonly #deps: ChannelDeps
  readonly #face: CoreFaceDeps | undefined
  readonly #streams = new Set<{ readonly end: (reason: string) => void; readonly pipes: readonly Pipe[] }>()
  #cut = false
  #closed = false
  #silentSinceMs: number | undefined

  constructor(deps: ChannelDeps) {
    this.#deps = deps
    this.node = deps.node
    this.#face = deps.node && { host: deps.node.host, partitionCount: deps.partitionCount }
    this.node?.channels.add(this)
    this.#look()
  }

  stream(events: StreamEvents): NodeStream {
    const { client } = this.#deps
    const out = this.#pipe()
    const back = this.#pipe()
    let over = false
    const stream = {
      pipes: [out, back],
      end: (reason: string) => {
        if (over) return
        over = true
        this.#streams.delete(stream)
        out.close(this.#deps.random.chance(0.5))
        back.close(false)
        client.input(0, () => {
          events.lost(reason)
        })
      },
    }
    this.#streams.add(stream)
    const answer = (tell: () => void): void => {
      back.carry(() => {
        client.input(0, () => {
          if (!over) tell()
        })
      })
    }
    out.carry(() => {
      if (this.node === undefined || this.node.process.dead) stream.end('refused')
      else
        this.node.process.input(0, () => {
          answer(() => {
            events.listens()
          })
        })
    })
    return {
      isFull: () => false,
      cancel: () => {
        stream.end('cancelled')
      },
      write: (groups) => {
        out.carry(() => {
          this.node?.process.input(0, () => {
            for (const group of groups) {
              if (this.#face === undefined) return
              submit(group, this.#face, (result: GroupResult) => {
                answer(() => {
                  events.answered([result])
                })
              })
            }
          })
        })
      },
    }
  }

  get(...[request, withinMs, signal]: Parameters<NodeChannel['get']>): Promise<GetResponse | undefined> {
    const { client } = this.#deps
    const out = this.#pipe()
    const back = this.#pipe()
    return new Promise((resolve) => {
      const end = (response: GetResponse | undefined): void => {
        this.#streams.delete(stream)
        signal.removeEventListener('abort', aborted)
        cancel()
        resolve(response)
      }
      const aborted = (): void => {
        end(undefined)
      }
      const cancel = client.clock.after(withinMs, aborted)
      signal.addEventListener('abort', aborted)
      const stream = {
        pipes: [out, back],
        end: () => {
          client.input(0, aborted)
        },
      }
      this.#streams.add(stream)
      out.carry(() => {
        if (this.node === undefined || this.node.process.dead) client.input(0.2, aborted)
        else
          this.node.process.input(0, () => {
            if (this.#face === undefined) return
            void get(request, this.#face).then((response) => {
              back.carry(() => {
                client.input(0, () => {
                  end(response)
                })
              })
            })
          })
      })
    })
  }

  scan(): never {
    throw new RefusalError({ code: 'unavailable', detail: 'Viewers are not simulated.' })
  }

  close(): void {
    this.#closed = true
    this.#loseAll('closed')
  }

  reset(): void {
    this.#loseAll('reset')
  }

  cut(): void {
    this.#cut = true
    for (const { pipes } of this.#streams) for (const pipe of pipes) pipe.hold()
  }

  heal(): void {
    this.#cut = false
    for (const { pipes } of this.#streams) for (const pipe of pipes) pipe.release()
  }

  /** Its system says that nobody is there any more. */
  nodeDied(): void {
    const { scheduler, random } = this.#deps
    scheduler.at(scheduler.nowMs + random.between(0.1, 1), () => {
      if (!this.#cut) this.#loseAll('the node is gone')
    })
  }

  readonly #look = (): void => {
    if (this.#closed) return
    const { client } = this.#deps
    const nowMs = client.clock.monotonicMs()
    if (this.#cut || this.node?.process.still === true) this.#silentSinceMs ??= nowMs
    else this.#silentSinceMs = undefined
    if (this.#silentSinceMs !== undefined && nowMs - this.#silentSinceMs >= silentMs) this.#loseAll('silent')
    client.clock.after(lookEveryMs, this.#look)
  }

  #loseAll(reason: string): void {
    for (const { end } of [...this.#streams]) end(reason)
    this.#streams.clear()
  }

  #pipe(): Pipe {
    const pipe = new Pipe(usualLatency, this.#deps)
    if (this.#cut) pipe.hold()
    return pipe
  }
}
