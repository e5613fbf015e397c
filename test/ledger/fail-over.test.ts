/**
 * Nodes on a store of two servers: what a node has only read may be taken back, so it signs,
 * answers and shows nothing of it before the store has confirmed it.
 */
import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { toHex } from '../../src/core/bytes.ts'
import { StoreError } from '../../src/store/port/errors.ts'
import type { SharedStore } from '../../src/store/port/port.ts'
import { createReplicated } from '../store/replicated.ts'
import { checkLog } from './check-log.ts'
import { anchorOf, openTestLedger, statementOf } from './fixtures.ts'

/**
 * Two nodes. The first one's writes land, but their answers are lost and the standby does not have
 * them. Before the second confirms a head, the standby takes over.
 */
async function openCut() {
  const replicated = createReplicated()
  const { store, unreplicated } = replicated
  const b = await openTestLedger({
    ...store,
    async confirmHead() {
      if (replicated.atRisk() > 0) await replicated.failOver()
      return store.confirmHead()
    },
  })
  let isCut = false
  const lost = () => new StoreError('STORE_UNSETTLED', 'no server of the store answers')
  const cut: SharedStore = {
    ...store,
    async commit(commit) {
      if (!isCut) return store.commit(commit)
      await unreplicated.commit(commit)
      throw new Error('the connection was lost')
    },
    async confirmHead() {
      if (isCut) throw lost()
      return store.confirmHead()
    },
  }
  const a = await openTestLedger(cut)
  await a.submit(statementOf('one'))
  await b.refresh()
  return {
    replicated,
    a,
    b,
    cut: (value: boolean) => {
      isCut = value
    },
  }
}

describe('nodes on a store that fails over', () => {
  it('sign no head that they have only read, and go on where the standby does not have it', async () => {
    const { replicated, a, b, cut } = await openCut()
    cut(true)
    await rejects(a.submit(statementOf('two')), { code: 'LEDGER_UNSETTLED' })
    equal((await replicated.store.readHead())?.head.size, 3)
    await b.refresh()
    deepEqual([b.head().size, b.stopped(), (await replicated.store.readHead())?.head.size], [2, undefined, 2])
    cut(false)
    deepEqual(await b.submit(statementOf('three')), { index: 2, known: false })
    deepEqual(await a.submit(statementOf('two')), { index: 3, known: false })
    deepEqual([a.stopped(), await checkLog(replicated.store)], [undefined, 4])
  })

  it('call no statement known that they have only read', async () => {
    const { replicated, a, b, cut } = await openCut()
    cut(true)
    await rejects(a.submit(statementOf('two')), { code: 'LEDGER_UNSETTLED' })
    deepEqual(await b.submit(statementOf('two')), { index: 2, known: false })
    equal(await checkLog(replicated.store), 3)
  })

  it('write the head for a batch of statements that they know', async () => {
    const replicated = createReplicated()
    const node = await openTestLedger(replicated.store)
    const { index } = await node.submit(statementOf('one'))
    await replicated.unreplicated.writeDocuments([{ collection: 'c', key: 'k', value: 'v' }])
    deepEqual(await node.submit(statementOf('one')), { index, known: true })
    equal(replicated.atRisk(), 0)
  })

  it('stop where the standby has less than they have signed: a database that answered too early', async () => {
    const replicated = createReplicated()
    const node = await openTestLedger(replicated.unreplicated)
    replicated.replicate()
    await node.submit(statementOf('one'))
    await replicated.failOver()
    await rejects(node.submit(statementOf('two')), { code: 'LEDGER_STOPPED' })
    match(node.stopped() ?? '', /does not extend/)
    equal(await checkLog(replicated.store), 1)
  })

  it('ask the standby, not the server that is gone, what became of a commit without an answer', async () => {
    const replicated = createReplicated()
    const { store, unreplicated } = replicated
    let isLost = true
    const node = await openTestLedger({
      ...store,
      async commit(commit) {
        if (!isLost || commit.previous.size === 0) return store.commit(commit)
        await unreplicated.commit(commit)
        throw new Error('the connection was lost')
      },
      async confirmHead() {
        if (replicated.atRisk() > 0) await replicated.failOver()
        return store.confirmHead()
      },
    })
    await rejects(node.submit(statementOf('one')), { code: 'LEDGER_COMMIT_FAILED' })
    isLost = false
    deepEqual([node.head().size, await node.submit(statementOf('one'))], [1, { index: 1, known: false }])
    equal(await checkLog(store), 2)
  })

  it('show no final anchor that they have only read', async () => {
    const { replicated, a, b } = await openCut()
    const anchor = anchorOf(2, toHex(a.head().root))
    const row = { collection: 'final-anchors', key: `${'2'.padStart(16, '0')}-31337`, value: JSON.stringify(anchor) }
    await replicated.unreplicated.writeDocuments([row])
    await b.refresh()
    equal(b.latestAnchor(), undefined)
    await replicated.store.writeDocuments([row])
    await b.refresh()
    deepEqual(b.latestAnchor(), anchor)
  })
})
