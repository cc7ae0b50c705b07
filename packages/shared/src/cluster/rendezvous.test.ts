import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { rendezvousOrder } from './rendezvous.ts'

const nodes = fc.uniqueArray(fc.stringMatching(/^[a-z0-9-]{1,12}$/), { minLength: 1, maxLength: 8 })

describe('rendezvous', () => {
  it('does not depend on the order the nodes are named in', () => {
    fc.assert(
      fc.property(fc.nat(), nodes, (key, nodes) => {
        assert.deepEqual(rendezvousOrder(key, nodes.toReversed()), rendezvousOrder(key, nodes))
        assert.deepEqual(rendezvousOrder(String(key), nodes), rendezvousOrder(key, nodes))
      }),
    )
  })

  it('moves nothing but what the leaving node had', () => {
    fc.assert(
      fc.property(fc.nat(), nodes, fc.nat(), (key, nodes, which) => {
        const leaving = nodes[which % nodes.length]
        const rest = rendezvousOrder(key, nodes).filter((node) => node !== leaving)
        assert.deepEqual(
          rendezvousOrder(
            key,
            nodes.filter((node) => node !== leaving),
          ),
          rest,
        )
      }),
    )
  })

  it('gives the same answer in every build', () => {
    const order = (key: number): string => rendezvousOrder(key, ['core-1', 'core-2', 'core-3']).join(' ')
    assert.deepEqual([0, 1, 2].map(order), [
      'core-3 core-1 core-2',
      'core-2 core-3 core-1',
      'core-1 core-2 core-3',
    ])
  })

  it('shares the partitions evenly between nodes of like names', () => {
    for (const count of [2, 3, 5]) {
      const names = Array.from({ length: count }, (_, i) => `timer-core-${i + 1}`)
      const partitions = 4096
      const shares = new Map<string, number>()
      for (let partition = 0; partition < partitions; partition += 1) {
        const [first = ''] = rendezvousOrder(partition, names)
        shares.set(first, (shares.get(first) ?? 0) + 1)
      }
      for (const name of names) {
        const share = ((shares.get(name) ?? 0) * count) / partitions
        assert.ok(share > 0.85 && share < 1.15, `${name} of ${count} has ${share} of its share`)
      }
    }
  })
})
