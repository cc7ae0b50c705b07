// Timers created over the command stream, each durable before it is answered, against appending their events one
// at a time.

import { bench } from '@timers/dev/bench-kit.ts'
import { carryOut, commandOf, openPlainLog, put, ratePerSecond, startNode, syncs } from './bench-world.ts'

const forMs = 3000

for (const sync of syncs) {
  await using node = await startNode({ sync, partitionCount: 64 })
  const append = await openPlainLog(node)
  let created = 0
  const next = () => {
    created += 1
    return commandOf(`tmr_${created.toString(36).padStart(16, '0')}`, put(3_600_000))
  }
  const [one] = await carryOut(node.client, [next()])
  if (one === undefined) throw new Error('nothing was created')
  const { actor, requestId } = next()
  const event = { type: 'created', timer: one.timer, cause: { actor, requestId } } as const

  for (const lanes of [64, 512]) {
    await bench({
      name: `durable-create-${sync}-${lanes}`,
      rows: { creates: { unit: '/s' } },
      ours: async () => ({
        creates: await ratePerSecond({ lanes, forMs }, () => carryOut(node.client, [next()])),
      }),
      floor: async () => ({ creates: await ratePerSecond({ lanes: 1, forMs }, () => append(event)) }),
    })
  }
}
