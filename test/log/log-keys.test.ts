/** The log's keys: one ends, the next begins, and what the first signed stays proven. */
import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict'
import type { Json } from '../../src/core/json.ts'
import { type Policy, parsePolicy } from '../../src/core/policy.ts'
import type { Statement } from '../../src/core/statements/statement.ts'
import { formatCheckpoint } from '../../src/core/tlog/checkpoint.ts'
import { formatVkey, parseVkey, signNote, verifyNote } from '../../src/core/tlog/note.ts'
import { openLedger } from '../../src/ledger/ledger.ts'
import { resumeKeyChange } from '../../src/log/log-keys.ts'
import { createLogSigner } from '../../src/log/signer.ts'
import { createMemoryStore } from '../../src/store/memory/memory.ts'
import { followKeyChange } from '../../src/verifier/extend.ts'
import { verify } from '../../src/verifier/index.ts'
import { AGENCY, openService, statement } from '../http/service.ts'
import { testHost } from '../test-host.ts'

const ORIGIN = 'openseal.test/keys'
const signerOf = (seed: number) => createLogSigner(ORIGIN, new Uint8Array(32).fill(seed))
const vkeyOf = (seed: number) => formatVkey(signerOf(seed).vkey)

const follow = (policy: Policy, receipts: readonly string[]) =>
  receipts.reduce((before, receipt) => followKeyChange(before, receipt)?.policy ?? before, policy)

describe('ledger: log keys', () => {
  const open = (store: ReturnType<typeof createMemoryStore>, seed: number) =>
    openLedger({ store, signer: signerOf(seed), origin: ORIGIN, anchors: [], host: testHost() })
  const submit = (ledger: Awaited<ReturnType<typeof open>>, n: number) => ledger.submitForReceipt(statement(n) as Statement)
  const policyWith = (logKeys: readonly object[]) =>
    parsePolicy({
      type: 'openseal/policy@v1',
      origin: ORIGIN,
      logKeys: JSON.parse(JSON.stringify(logKeys)) as Json,
      anchors: [
        {
          type: 'evm',
          chainId: 1,
          contract: `0x${'11'.repeat(20)}`,
          codeSha256: '22'.repeat(32),
          logId: `0x${'33'.repeat(32)}`,
          finality: 'finalized',
        },
      ],
    })
  const signatureCheck = async (receipt: string, policy: ReturnType<typeof parsePolicy>) => {
    const { checks } = await verify({ receipt, policy, chain: [], trust: 'policy' })
    return checks.find(({ name }) => name === 'checkpoint')!.status
  }
  /** A ledger of key 1 with two records, whose key then became 2. */
  const rotated = async () => {
    const store = createMemoryStore()
    const ledger = await open(store, 1)
    const { receipt } = await submit(ledger, 1)
    await submit(ledger, 2)
    const change = await ledger.changeKey(vkeyOf(2))
    return { store, ledger, receipt, change }
  }

  it('are two after a change: the old one up to its last size, the new one for every size', async () => {
    const { store, change } = await rotated()
    deepEqual([change.index, change.change.fromSize], [3, 5])
    const ledger = await open(store, 2)
    deepEqual(ledger.logKeys(), [
      { vkey: vkeyOf(1), fromSize: 0, toSize: 4 },
      { vkey: vkeyOf(2), fromSize: 0 },
    ])
    equal((await submit(ledger, 3)).index, 4)
  })

  it('take nothing more under the old one, in this process or the next', async () => {
    const { store, ledger } = await rotated()
    await rejects(ledger.submit(statement(3) as Statement), { code: 'LEDGER_STOPPED' })
    await rejects(open(store, 1), { code: 'LEDGER_KEY_CHANGED' })
    await rejects(open(store, 3), { code: 'LEDGER_KEY_CHANGED' })
  })

  it('leave every receipt of the old one proven, and prove old records with the new one too', async () => {
    const { store, receipt } = await rotated()
    const ledger = await open(store, 2)
    const policy = policyWith(ledger.logKeys())
    equal(await signatureCheck(receipt, policy), 'passed')
    equal(await signatureCheck(await ledger.receipt(1), policy), 'passed')
    equal(await signatureCheck((await submit(ledger, 3)).receipt, policy), 'passed')
  })

  it('are reported to readers who pinned the first key, and believed because that key signed the change', async () => {
    const { store } = await rotated()
    const ledger = await open(store, 2)
    const pinned = policyWith([{ vkey: vkeyOf(1), fromSize: 0 }])
    const { receipt } = await submit(ledger, 3)
    equal(await signatureCheck(receipt, pinned), 'failed')
    const receipts = (await ledger.keyReceipts()).map(change => change.receipt)
    const extended = follow(pinned, receipts)
    deepEqual(extended, { ...pinned, logKeys: ledger.logKeys() })
    equal(await signatureCheck(receipt, extended), 'passed')
    deepEqual(follow(extended, receipts), extended)
    // A second change, on top of the first.
    await ledger.changeKey(vkeyOf(3))
    const third = await open(store, 3)
    const both = (await third.keyReceipts()).map(change => change.receipt)
    deepEqual(follow(pinned, both).logKeys, third.logKeys())
    deepEqual(follow(extended, both).logKeys, third.logKeys())
    throws(() => follow(pinned, both.slice(1)), { code: 'EXTEND_OTHER_KEY' })
  })

  it('are not believed without a proof, by another key’s signature, from another ledger or in another statement', async () => {
    const { store, receipt } = await rotated()
    const ledger = await open(store, 2)
    const [change] = (await ledger.keyReceipts()).map(each => each.receipt)
    const pinned = policyWith([{ vkey: vkeyOf(1), fromSize: 0 }])
    throws(() => follow(pinned, [receipt]), { code: 'EXTEND_UNPROVEN' })
    // Signed by the new key itself, which nobody knows yet.
    const parsed = JSON.parse(change!)
    const later = { ...parsed, proof: JSON.parse(await ledger.receipt(3)).proof }
    throws(() => follow(pinned, [JSON.stringify(later)]), { code: /NOTE_UNSIGNED|EXTEND_UNPROVEN/ })
    const forged = JSON.stringify({ ...parsed, statement: { ...parsed.statement, newKey: vkeyOf(9) } })
    throws(() => follow(pinned, [forged]), { code: /PROOF_|EXTEND_UNPROVEN/ })
    throws(() => follow({ ...pinned, origin: 'other.test/log' }, [change!]), { code: 'EXTEND_OTHER_LEDGER' })
    throws(() => follow(policyWith([{ vkey: vkeyOf(9), fromSize: 0 }]), [change!]), { code: 'EXTEND_OTHER_KEY' })
    throws(() => follow(policyWith([{ vkey: vkeyOf(1), fromSize: 0, toSize: 2 }]), [change!]), { code: 'EXTEND_OTHER_KEY' })
    throws(() => follow(policyWith([{ vkey: vkeyOf(1), fromSize: 9 }]), [change!]), { code: /NOTE_UNSIGNED|EXTEND_UNPROVEN/ })
    ok(parseVkey(vkeyOf(1)).name === ORIGIN)
  })

  it('have the last checkpoint of an ended key anchored before any larger one', async () => {
    const { store, change } = await rotated()
    const ledger = await open(store, 2)
    // As the old key signed it: a witness that knows no other key refuses what the new one signs.
    const last = await ledger.nextCheckpoint(0)
    deepEqual([last.size, last.checkpoint], [4, change.note])
    equal(verifyNote(last.checkpoint, [signerOf(1).vkey]).length, 1)
    await submit(ledger, 3)
    await submit(ledger, 4)
    const next = await ledger.nextCheckpoint(2)
    deepEqual([next.size, next.root], [4, await ledger.rootAt(4)])
    deepEqual((await ledger.nextCheckpoint(4)).size, 6)
    const { size, root, note } = ledger.head()
    deepEqual(await ledger.nextCheckpoint(6), { size, root, checkpoint: note })
  })

  it('count for nothing once they have ended, whatever a thief signs with them', async () => {
    const { store, change } = await rotated()
    const ledger = await open(store, 2)
    const { receipt } = await submit(ledger, 3)
    const stolen = signerOf(1)
    const { size, root } = ledger.head()
    const byThief = () => {
      const [, line = ''] = signNote(formatCheckpoint({ origin: ORIGIN, size, root }), stolen).split('\n\n')
      const parsed = JSON.parse(receipt)
      return JSON.stringify({ ...parsed, proof: parsed.proof.replace(/— \S+ \S+\n$/, line) })
    }
    const policy = policyWith(ledger.logKeys())
    deepEqual([change.change.fromSize - 1, size], [4, 5])
    equal(await signatureCheck(receipt, policy), 'passed')
    equal(await signatureCheck(byThief(), policy), 'failed')
    // The limit: a reader who has not followed the change yet cannot tell.
    equal(await signatureCheck(byThief(), policyWith([{ vkey: vkeyOf(1), fromSize: 0 }])), 'passed')
  })

  it('are changed once, wherever the change was interrupted: it continues from there', async () => {
    const { store, change } = await rotated()
    // As after a crash between the entry and its row.
    const [row] = await store.listDocuments('key-changes')
    await store.writeDocuments([{ collection: 'key-changes', key: row!.key, value: null }])
    const again = await open(store, 1)
    await rejects(again.submit(statement(3) as Statement), { code: 'LEDGER_KEY_ENDED', message: /rotate log-key" again/ })
    deepEqual(await again.changeKey(vkeyOf(2)), change)
    equal(again.head().size, 4)
    deepEqual((await open(store, 2)).logKeys().length, 2)
  })

  it('count as changed by an interrupted run only once its row is written again: a fail-over may take back what was read', async () => {
    const { store, change } = await rotated()
    const keys = { oldKey: vkeyOf(1), newKey: vkeyOf(2) }
    equal(await resumeKeyChange(store, { ...keys, newKey: vkeyOf(3), isStolen: false }), undefined)
    deepEqual([change.hasGrace, await resumeKeyChange(store, { ...keys, isStolen: false })], [true, change])
    deepEqual((await resumeKeyChange(store, { ...keys, isStolen: true }))?.hasGrace, false)
    deepEqual((await resumeKeyChange(store, { ...keys, isStolen: false }))?.hasGrace, false)
    const failsOver: typeof store = {
      ...store,
      async listDocuments(...asked) {
        const rows = await store.listDocuments(...asked)
        await store.writeDocuments(rows.map(({ key }) => ({ collection: 'key-changes', key, value: null })))
        return rows
      },
    }
    await rejects(resumeKeyChange(failsOver, { ...keys, isStolen: false }), { code: 'STORE_DOCUMENT_CHANGED' })
    deepEqual(await store.listDocuments('key-changes'), [])
  })

  it('are not changed by agencies: a submitted change is refused, and a logged one belongs to no record', async () => {
    const { ledger } = await rotated()
    deepEqual(await ledger.history(3), { versions: [], changes: [] })
    const service = await openService()
    try {
      const { salt: _salt, ...change } = JSON.parse((await ledger.statement(3))!)
      deepEqual((await service.submit({ ...change, agency: AGENCY })).json.code, 'STATEMENT_UNSUPPORTED')
    } finally {
      await service.close()
    }
  })
})
