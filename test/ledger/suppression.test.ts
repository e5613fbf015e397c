/** The list of erased statements that may not come back. */
import { deepEqual, ok } from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createSuppression } from '../../src/ledger/erasure/suppression.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import { testHost } from '../test-host.ts'

describe('the list of erased statements', () => {
  it('is asked about many statements of a batch at once, because the head stays locked until it answers', async () => {
    const memory = createMemoryStore()
    let open = 0
    let most = 0
    const store = {
      ...memory,
      async readDocument(collection: string, key: string) {
        most = Math.max(most, ++open)
        await nextTurn()
        open--
        return memory.readDocument(collection, key)
      },
    }
    const { changesFor, wereErased } = createSuppression({ store, host: testHost(), key: new Uint8Array(32), periodMs: 1000 })
    const identities = Array.from({ length: 2048 }, (_, i) => i.toString(16).padStart(64, '0'))
    await memory.writeDocuments([identities[3]!, identities[2000]!].flatMap(changesFor))
    const found = await wereErased(identities)
    deepEqual(
      found.flatMap((wasErased, i) => (wasErased ? [i] : [])),
      [3, 2000],
    )
    ok(most >= 64, `${most} at once`)
  })
})
