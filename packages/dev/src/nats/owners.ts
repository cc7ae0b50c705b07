// Who lives and who owns which partitions, as the services themselves say it. It only listens.

import { Directory, roles } from '@timers/shared/cluster/directory.ts'
import { createLogger } from '@timers/shared/logger.ts'
import { connectNats } from '@timers/shared/nats/connect.ts'
import { followHeartbeats } from '@timers/shared/nats/heartbeats.ts'
import { createSystemClock } from '@timers/shared/system-clock.ts'

export interface Owners extends AsyncDisposable {
  /** What the node of this name owns, in order. */
  ownedBy(name: string): readonly number[]
  /** The name of the owner; undefined while there is none. */
  ownerOf(partition: number): string | undefined
  /** Whether the service at this host:port is heard, and is not leaving. */
  isLive(address: string): boolean
  /** Called when somebody came, went, won or lost a partition; the answer ends it. */
  onChange(listener: () => void): () => void
}

export async function followOwners(natsUrl: string): Promise<Owners> {
  await using stack = new AsyncDisposableStack()
  const clock = createSystemClock()
  const logger = createLogger({ role: 'starter', name: 'starter', level: 'silent' })
  const directory = new Directory({ deadAfterMs: 1_500 })
  const servers = natsUrl.split(',')
  const connection = await connectNats({ servers, name: 'starter', reconnect: true }, { logger })
  stack.defer(() => connection.close())
  stack.use(followHeartbeats({ connection, directory, clock, logger }))
  const owned = stack.move()
  return {
    ownedBy(name) {
      const node = directory.live('timer-core', clock.monotonicMs()).find((live) => live.name === name)
      return (node?.owned ?? []).map(({ partition }) => partition).sort((a, b) => a - b)
    },
    ownerOf: (partition) => directory.ownerOf(partition, clock.monotonicMs())?.name,
    isLive: (address) =>
      roles.some((role) =>
        directory.live(role, clock.monotonicMs()).some((node) => node.address === address),
      ),
    onChange: (listener) => directory.onChange(listener),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
