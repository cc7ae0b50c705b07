// What a connected client says, answered: every message with a requestId gets one ack, in one or more
// pages, or one error. A fault that nobody can be told of ends the connection.

import type { Clock } from '@timers/shared/clock.ts'
import type { Refusal } from '@timers/shared/errors.ts'
import type { CoreClient } from '@timers/shared/grpc/core-client.ts'
import type { Logger } from '@timers/shared/logger.ts'
import type { Actor } from '@timers/shared/timer/command.ts'
import type { CommandResult } from '@timers/shared/timer/results.ts'
import { timerToJson } from '@timers/shared/timer/timer-json.ts'
import { closeCodes } from '../fanout/close-codes.ts'
import type { Hub } from '../fanout/hub.ts'
import { waits, type GatewayLimits } from '../fanout/limits.ts'
import { pages, refused, say, type ErrorAbout } from '../fanout/say.ts'
import type { Viewer } from '../fanout/viewer.ts'
import { readMessage, type ClientMessage } from './messages.ts'

export interface ConnectionOptions {
  readonly dataId: string
  readonly limits: GatewayLimits
  readonly actor: Actor
}

export interface ConnectionDeps {
  readonly clock: Clock
  readonly hub: Hub
  readonly core: Pick<CoreClient, 'execute'>
  readonly logger: Logger
}

type Of<Type extends ClientMessage['type']> = Extract<ClientMessage, { readonly type: Type }>

export class Connection {
  readonly #options: ConnectionOptions
  readonly #deps: ConnectionDeps
  readonly #viewer: Viewer
  #commandsInFlight = 0

  constructor(options: ConnectionOptions, deps: ConnectionDeps, viewer: Viewer) {
    this.#options = options
    this.#deps = deps
    this.#viewer = viewer
    const { timerIds, known, timers, subscriptions, commandsInFlight, messageBytes } = options.limits
    this.#say('hello', {
      protocol: 'timers.v1',
      connectionId: viewer.id,
      dataId: options.dataId,
      heartbeatMs: waits.heartbeatMs,
      limits: { timerIds, known, timers, subscriptions, commandsInFlight, messageBytes },
    })
  }

  /** One text message. */
  receive(bytes: Uint8Array): void {
    if (this.#viewer.ended) return
    const receivedAtMs = this.#deps.clock.nowMs()
    const message = readMessage(bytes, receivedAtMs)
    switch (message.type) {
      case 'bad': {
        const { requestId, refusal } = message
        this.#refuse({ requestId }, refusal)
        if (requestId === undefined) this.#end(refusal.detail)
        break
      }
      case 'auth':
        // AUTH=off: everybody is who they are already.
        this.#say('ack', { requestId: message.requestId })
        break
      case 'subscribe':
        this.#subscribe(message)
        break
      case 'unsubscribe':
        this.#unsubscribe(message)
        break
      case 'command':
        void this.#command(message)
        break
      case 'time':
        this.#time(message.t0, receivedAtMs)
        break
      case 'ping':
        if (message.requestId === undefined) this.#say('heartbeat', {})
        else this.#say('ack', { requestId: message.requestId })
    }
  }

  receiveBinary(): void {
    if (this.#viewer.ended) return
    const detail = 'Messages are JSON in text frames.'
    this.#refuse({}, { code: 'malformed', detail })
    this.#end(detail)
  }

  #subscribe({ requestId, ...request }: Of<'subscribe'>): void {
    const { clock, hub } = this.#deps
    hub.subscribe(this.#viewer, request, {
      joined: (joined) => {
        const { subscriptionId, recovered } = joined
        const fields = { requestId, subscriptionId, recovered }
        for (const page of pages(clock.nowMs(), 'ack', fields, joined, this.#options.limits)) {
          this.#viewer.tellSnapshot(page)
        }
      },
      refused: (refusal) => {
        this.#refuse({ requestId }, refusal)
      },
      ended: (subscriptionId, refusal) => {
        this.#refuse({ subscriptionId }, refusal)
      },
    })
  }

  #unsubscribe({ requestId, subscriptionId }: Of<'unsubscribe'>): void {
    if (this.#deps.hub.unsubscribe(this.#viewer, subscriptionId)) {
      this.#say('ack', { requestId, subscriptionId })
    } else this.#refuse({ requestId }, { code: 'not_found', detail: 'There is no such subscription.' })
  }

  async #command({ requestId, command }: Of<'command'>): Promise<void> {
    const { clock, core, hub, logger } = this.#deps
    if (this.#commandsInFlight >= this.#options.limits.commandsInFlight) {
      hub.counts.refuse('commandsInFlight')
      const detail = `At most ${this.#options.limits.commandsInFlight} commands are carried out at once.`
      this.#refuse({ requestId }, { code: 'rate_limited', detail, retryAfterMs: waits.joinAgainMs })
      return
    }
    this.#commandsInFlight += 1
    const { tenantId } = this.#viewer
    const sent = { ...command, tenantId, actor: this.#options.actor, requestId }
    logger.debug({ requestId, op: command.operation.op, timerId: command.timerId }, 'command')
    const [result] = await core.execute([sent], clock.nowMs() + waits.commandMs)
    this.#commandsInFlight -= 1
    if (result !== undefined) this.#answer(requestId, result)
  }

  #time(t0: number, t1: number): void {
    const { clock } = this.#deps
    const errorMs = clock.errorMs()
    if (errorMs < Infinity) this.#say('time', { t0, t1, t2: clock.nowMs(), errorMs })
    else this.#refuse({}, { code: 'unavailable', detail: 'The time is not known at the moment.' })
  }

  #answer(requestId: string, result: CommandResult): void {
    if (!result.ok) {
      this.#refuse({ requestId }, result.refusal)
      return
    }
    const { type, timer, partition, sequence } = result
    this.#say('ack', {
      requestId,
      ...(type === 'deleted'
        ? { deleted: { timerId: timer.timerId, version: timer.version } }
        : { timer: timerToJson(timer) }),
      changed: type !== null,
      position: `${partition}-${sequence}`,
    })
  }

  #say(name: string, fields: object): void {
    this.#viewer.tell(say(name, this.#deps.clock.nowMs(), fields))
  }

  #refuse(about: ErrorAbout, refusal: Refusal): void {
    this.#deps.hub.counts.refuse(refusal.code)
    this.#viewer.tell(refused(this.#deps.clock.nowMs(), about, refusal))
  }

  #end(reason: string): void {
    this.#deps.hub.close(this.#viewer, closeCodes.badMessage, reason)
  }
}
