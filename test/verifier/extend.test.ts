/** Extending a pinned policy by a change of keys, one rule at a time; on a real ledger in test/ledger/log-keys.test.ts. */
import { deepEqual, throws } from 'node:assert/strict'
import { createSigner, formatVkey } from '../../src/core/note.ts'
import type { KeyChange } from '../../src/core/statement.ts'
import { extendPolicy } from '../../src/verifier/extend.ts'
import { createWorld, GENESIS, LOG, ORIGIN, policyWith, STATEMENT, WITNESSES } from './world.ts'

const OLD = formatVkey(LOG.vkey)
const NEXT = createSigner(ORIGIN, new Uint8Array(32).fill(4))
const NEW = formatVkey(NEXT.vkey)
const CHANGE: KeyChange = {
  type: 'openseal/key@v1',
  origin: ORIGIN,
  oldKey: OLD,
  newKey: NEW,
  fromSize: 3,
  created: '2026-11-20T00:00:00Z',
  salt: 'A'.repeat(43),
}
/** The receipt of a change that is entry 1 of 2. */
const receiptOf = (change: KeyChange, more: object = {}) => createWorld([GENESIS, change]).receipt(1, more)
const refuses = async (change: Partial<KeyChange>, code: string, policy = policyWith(), more: object = {}) => {
  const receipt = await receiptOf({ ...CHANGE, ...change }, more)
  throws(() => extendPolicy(policy, [receipt]), { code })
}

describe('verifier/extend', () => {
  it('ends the old key where the change says, and trusts the new one', async () => {
    const { logKeys, ...rest } = extendPolicy(policyWith(), [await receiptOf(CHANGE)])
    deepEqual(logKeys, [
      { vkey: OLD, fromSize: 0, toSize: 2 },
      { vkey: NEW, fromSize: 0 },
    ])
    const { logKeys: _, ...pinned } = policyWith()
    deepEqual(rest, pinned)
  })

  it('passes over a change that the policy knows', async () => {
    const once = extendPolicy(policyWith(), [await receiptOf(CHANGE)])
    deepEqual(extendPolicy(once, [await receiptOf(CHANGE)]), once)
  })

  it('takes no key from another statement, another ledger, or a key that the policy does not trust', async () => {
    const statement = await createWorld([GENESIS, STATEMENT]).receipt(1)
    throws(() => extendPolicy(policyWith(), [statement]), { code: 'EXTEND_UNPROVEN' })
    const vkey = (name: string, byte: number) => formatVkey(createSigner(name, new Uint8Array(32).fill(byte)).vkey)
    const elsewhere = { origin: 'other.example', oldKey: vkey('other.example', 1), newKey: vkey('other.example', 2) }
    await refuses(elsewhere, 'EXTEND_OTHER_LEDGER')
    await refuses({ oldKey: vkey(ORIGIN, 8) }, 'EXTEND_OTHER_KEY')
  })

  it('lets a key that has an end already introduce no other', async () => {
    await refuses({}, 'EXTEND_OTHER_KEY', policyWith({}, { logKeys: [{ vkey: OLD, toSize: 9 }] }))
  })

  it('takes the word of the old key only up to the size at which it ends', async () => {
    const change = { ...CHANGE, fromSize: 3 }
    const three = await createWorld([GENESIS, change, STATEMENT]).receipt(1)
    throws(() => extendPolicy(policyWith(), [three]), { code: 'EXTEND_UNPROVEN' })
    const four = await createWorld([GENESIS, { ...CHANGE, fromSize: 4 }, STATEMENT]).receipt(1)
    deepEqual(extendPolicy(policyWith(), [four]).logKeys[0], { vkey: OLD, fromSize: 0, toSize: 3 })
  })

  it('wants the signature of the old key: the new one cannot introduce itself', () =>
    refuses({}, 'NOTE_UNSIGNED', policyWith(), { signer: NEXT }))

  it('wants the cosignatures that the policy asks for', async () => {
    const policy = policyWith({}, { witnesses: WITNESSES.map(({ vkey }) => formatVkey(vkey)), quorum: 2 })
    await refuses({}, 'EXTEND_UNPROVEN', policy, { witnesses: WITNESSES.slice(1) })
    deepEqual(extendPolicy(policy, [await receiptOf(CHANGE, { witnesses: WITNESSES })]).logKeys.length, 2)
  })
})
