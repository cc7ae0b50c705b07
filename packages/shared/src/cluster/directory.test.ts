import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Directory, type NodeState } from './directory.ts'

const deadAfterMs = 1500
const own = (partition: number, sequence = 1, term = 'a') => ({ partition, sequence, term })

function node(name: string, owned: NodeState['owned'] = [], more: Partial<NodeState> = {}): NodeState {
  return {
    name,
    incarnation: '1',
    role: 'timer-core',
    address: `${name}:1`,
    dataId: 'd',
    owned,
    leaving: false,
    ...more,
  }
}

function watched(): { directory: Directory; changes: () => number } {
  const directory = new Directory({ deadAfterMs })
  let changes = 0
  directory.onChange(() => {
    changes += 1
  })
  return { directory, changes: () => changes }
}

describe('the directory', () => {
  it('knows who is alive, by role, in the order of names', () => {
    const { directory } = watched()
    directory.hear(node('b'), 0)
    directory.hear(node('a'), 10)
    directory.hear(node('api', [], { role: 'timer-api' }), 10)
    const names = (nowMs: number): string[] => directory.live('timer-core', nowMs).map(({ name }) => name)
    assert.deepEqual(names(20), ['a', 'b'])
    assert.deepEqual(names(1499), ['a', 'b'])
    assert.deepEqual(names(1500), ['a'])
    assert.deepEqual(names(1510), [])
    assert.equal(directory.live('timer-api', 20)[0]?.heardAtMs, 10)
  })

  it('takes of several claimants the one that has read furthest, if it lives', () => {
    const { directory } = watched()
    directory.hear(node('older', [own(1, 6)]), 0)
    directory.hear(node('new', [own(1, 8), own(2, 1)]), 0)
    directory.hear(node('old', [own(1, 7)]), 1000)
    assert.equal(directory.ownerOf(1, 1000)?.name, 'new')
    assert.equal(directory.sequenceOf(1, 1000), 8)
    assert.equal(directory.ownerOf(1, 1600)?.name, 'old')
    assert.equal(directory.sequenceOf(1, 1600), 7)
    assert.equal(directory.ownerOf(2, 1600), undefined)
    assert.equal(directory.sequenceOf(3, 0), undefined)
  })

  it('forgets at once what a node owned that is leaving, and not what its next run owns', () => {
    const { directory, changes } = watched()
    directory.hear(node('a', [own(1)]), 0)
    directory.hear(node('a', [], { leaving: true }), 1)
    assert.equal(directory.ownerOf(1, 1), undefined)
    assert.deepEqual(directory.live('timer-core', 1), [])
    assert.equal(changes(), 2)
    directory.hear(node('a', [own(1)], { incarnation: '2' }), 2)
    directory.hear(node('a', [], { leaving: true }), 3)
    assert.equal(directory.ownerOf(1, 3)?.incarnation, '2')
    assert.equal(changes(), 3)
  })

  it('lets a new incarnation replace the old at once', () => {
    const { directory, changes } = watched()
    directory.hear(node('a', [own(1)]), 0)
    directory.hear(node('a', [], { incarnation: '2' }), 1)
    assert.equal(directory.ownerOf(1, 1), undefined)
    assert.equal(directory.live('timer-core', 1).length, 1)
    assert.equal(changes(), 2)
  })

  describe('holds down who died and came back', () => {
    /** Words of the others go on, as they do. */
    const goOn = (directory: Directory, fromMs: number, toMs: number): void => {
      for (let nowMs = fromMs; nowMs <= toMs; nowMs += 250) {
        directory.hear(node('other'), nowMs)
        directory.sweep(nowMs)
      }
    }

    it('for 5 s, when it was silent or was started anew without a farewell', () => {
      for (const [silentMs, incarnation] of [
        [2000, '1'],
        [250, '2'],
      ] as const) {
        const { directory } = watched()
        goOn(directory, 0, 3000)
        directory.hear(node('a'), 3000)
        goOn(directory, 3000, 3000 + silentMs)
        const backMs = 3000 + silentMs
        directory.hear(node('a', [], { incarnation }), backMs)
        assert.deepEqual(directory.heldDown(backMs), ['a'])
        directory.hear(node('a', [], { incarnation }), backMs + 1000)
        assert.deepEqual(directory.heldDown(backMs + 4999), ['a'])
        assert.deepEqual(directory.heldDown(backMs + 5000), [])
      }
    })

    it('but not who said farewell, or died more than a minute ago', () => {
      const { directory } = watched()
      goOn(directory, 0, 3000)
      directory.hear(node('left', [own(1)]), 3000)
      directory.hear(node('left', [own(1)], { leaving: true }), 3000)
      directory.hear(node('left', [], { leaving: true }), 3000)
      directory.hear(node('left', [], { incarnation: '2' }), 3100)
      directory.hear(node('old'), 3000)
      goOn(directory, 3000, 66_000)
      directory.hear(node('old'), 66_000)
      assert.deepEqual(directory.heldDown(66_000), [])
    })

    it('nor anybody when it was this process that stood still', () => {
      const { directory } = watched()
      goOn(directory, 0, 3000)
      directory.hear(node('a'), 3000)
      // What was said meanwhile is read now, one word after the other.
      directory.hear(node('other'), 13_000)
      directory.hear(node('a'), 13_000)
      goOn(directory, 13_000, 14_000)
      assert.deepEqual(directory.heldDown(14_000), [])
    })
  })

  it('remembers when an owner was last heard of', () => {
    const { directory } = watched()
    assert.equal(directory.ownerHeardAtMs(1), undefined)
    directory.hear(node('a', [own(1)]), 100)
    directory.hear(node('a', []), 350)
    directory.sweep(10_000)
    assert.equal(directory.ownerHeardAtMs(1), 100)
    assert.equal(directory.unowned(2, 5000, 5099), 1)
    assert.equal(directory.unowned(2, 5000, 5100), 2)
  })

  it('tells of changes, and not of beats that say the same', () => {
    const { directory, changes } = watched()
    directory.hear(node('a', [own(1, 1)]), 0)
    directory.hear(node('a', [own(1, 2)]), 250)
    assert.equal(changes(), 1)
    const news = [
      node('a', [own(1, 2), own(2)]),
      node('a', [own(2)]),
      node('a', [own(3)]),
      node('a', [own(3, 9, 'b')]),
      node('a', [own(3, 9, 'b')], { address: 'elsewhere:1' }),
      node('a', [own(3, 9, 'b')], { address: 'elsewhere:1', dataId: 'e' }),
    ]
    for (const [i, state] of news.entries()) {
      directory.hear(state, 300)
      assert.equal(changes(), i + 2)
    }
  })

  it('tells of a death once, when it is swept', () => {
    const { directory, changes } = watched()
    directory.hear(node('a'), 0)
    directory.sweep(1499)
    assert.equal(changes(), 1)
    directory.sweep(1500)
    directory.sweep(1750)
    assert.equal(changes(), 2)
  })

  it('tells of one that was dead for a while and unnoticed', () => {
    const { directory, changes } = watched()
    directory.hear(node('a'), 0)
    directory.hear(node('a'), 1500)
    assert.equal(changes(), 2)
  })

  it('stops telling who has had enough', () => {
    const directory = new Directory({ deadAfterMs })
    let changes = 0
    const stop = directory.onChange(() => {
      changes += 1
    })
    stop()
    directory.hear(node('a'), 0)
    assert.equal(changes, 0)
  })
})
