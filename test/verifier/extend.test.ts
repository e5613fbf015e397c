/**
 * Extending a pinned policy by a change of keys, one rule at a time; on a real ledger in
 * test/log/log-keys.test.ts.
 */
import { deepEqual, rejects } from 'node:assert/strict'
import type { Policy } from '../../src/core/policy.ts'
import type { KeyChange } from '../../src/core/statements/key-change.ts'
import type { AnyStatement } from '../../src/core/statements/registry.ts'
import { createSigner, formatVkey, type Signer } from '../../src/core/tlog/note.ts'
import type { ChainReader } from '../../src/verifier/chain-reader.ts'
import { type AnchorTerms, extendPolicy, type FollowedAnchors } from '../../src/verifier/extend.ts'
import { verify } from '../../src/verifier/verify.ts'
import { ANCHOR, chainWith, createChain, createWorld, GENESIS, LOG, ORIGIN, policyWith, STATEMENT, WITNESSES, type World } from './world.ts'

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
const TREE = [GENESIS, CHANGE]
const POLICY = policyWith()
/** The change as entry 1 of 2, and a chain that has that tree. */
const worldOf = (change: Partial<KeyChange> = {}) => createWorld([GENESIS, { ...CHANGE, ...change }])
const extend = async (world: World, { policy = POLICY, chain = [chainWith(world)], ...more }: Given = {}) =>
  extendPolicy(policy, [await world.receipt(1, more)], chain)
type Given = { policy?: Policy; chain?: readonly ChainReader[]; signer?: Signer; witnesses?: readonly Signer[] }
const refuses = (code: string, change: Partial<KeyChange>, given: Given = {}) => rejects(extend(worldOf(change), given), { code })

describe('verifier/extend', () => {
  it('ends the old key where the change says, and trusts the new one', async () => {
    const { logKeys, ...rest } = await extend(worldOf())
    deepEqual(logKeys, [
      { vkey: OLD, fromSize: 0, toSize: 2 },
      { vkey: NEW, fromSize: 0 },
    ])
    const { logKeys: _, ...pinned } = POLICY
    deepEqual(rest, pinned)
  })

  it('passes over a change that the policy knows, without asking anyone', async () => {
    const once = await extend(worldOf())
    deepEqual(await extend(worldOf(), { policy: once, chain: [] }), once)
  })

  it('believes no tree that the chain does not vouch for, whatever the old key signed', async () => {
    // The thief of a log key signs a tree of one leaf, or of a few, with a change to a key of their
    // own.
    const real = createWorld([GENESIS, STATEMENT, STATEMENT])
    await rejects(extendPolicy(POLICY, [await createWorld([CHANGE]).receipt(0)], [chainWith(real)]), { code: 'EXTEND_UNPROVEN' })
    await refuses('EXTEND_NOT_ANCHORED', {}, { chain: [chainWith(real)] })
    await refuses('EXTEND_NOT_ANCHORED', {}, { chain: [createChain({})] })
  })

  it('believes nothing while the chain cannot be asked, or while its block is not final', async () => {
    const world = worldOf()
    await rejects(extend(world, { chain: [] }), { code: 'EXTEND_UNCHECKED' })
    await rejects(extend(world, { chain: [chainWith(world, { down: true })] }), { code: 'EXTEND_UNCHECKED' })
    await rejects(extend(world, { chain: [chainWith(world, { finalized: 49 })] }), { code: 'EXTEND_NOT_ANCHORED' })
  })

  it('takes no anchor of another chain, of another contract or of other code than the pinned ones', async () => {
    const world = worldOf()
    await rejects(extend(world, { chain: [chainWith(world, { chainId: 31337 })] }), { code: 'EXTEND_UNCHECKED' })
    await rejects(extend(world, { chain: [chainWith(world, { codeSha256: 'ff'.repeat(32) })] }), { code: 'EXTEND_UNPROVEN' })
    await rejects(extend(world, { policy: policyWith({ contract: `0x${'aa'.repeat(20)}` }) }), { code: 'EXTEND_NOT_ANCHORED' })
  })

  it('takes the word of a test network only where the policy names no other chain', async () => {
    const trial = policyWith({ production: false })
    deepEqual((await extend(worldOf(), { policy: trial })).logKeys.length, 2)
    const { production: _, ...anchor } = ANCHOR
    const ended = { ...ANCHOR, chainId: 2, toSize: 1 }
    const both = policyWith({}, { anchors: [ended, { ...anchor, production: false }] })
    await refuses('EXTEND_NOT_ANCHORED', {}, { policy: both })
  })

  it('takes no key from another statement, another ledger, or a key that the policy does not trust', async () => {
    const statement = createWorld([GENESIS, STATEMENT])
    await rejects(extend(statement), { code: 'EXTEND_UNPROVEN' })
    const vkey = (name: string, byte: number) => formatVkey(createSigner(name, new Uint8Array(32).fill(byte)).vkey)
    const elsewhere = { origin: 'other.example', oldKey: vkey('other.example', 1), newKey: vkey('other.example', 2) }
    await refuses('EXTEND_OTHER_LEDGER', elsewhere)
    await refuses('EXTEND_OTHER_KEY', { oldKey: vkey(ORIGIN, 8) })
  })

  it('lets a key that has an end already introduce no other', async () => {
    await refuses('EXTEND_OTHER_KEY', {}, { policy: policyWith({}, { logKeys: [{ vkey: OLD, toSize: 9 }] }) })
  })

  it('believes a change under a checkpoint of any size that the old key signed, and no end but the one behind its entry', async () => {
    const later = createWorld([...TREE, STATEMENT, STATEMENT])
    deepEqual((await extend(later)).logKeys[0], { vkey: OLD, fromSize: 0, toSize: 2 })
    await refuses('EXTEND_UNPROVEN', { fromSize: 4 })
    await rejects(extend(createWorld([...[GENESIS, { ...CHANGE, fromSize: 9 }], STATEMENT])), { code: 'EXTEND_UNPROVEN' })
  })

  it('requires the signature of the old key: the new one cannot introduce itself', () => refuses('NOTE_UNSIGNED', {}, { signer: NEXT }))

  it('counts nothing that the old key signs after its end, and asks no other key to be beside it', async () => {
    const world = createWorld([...TREE, STATEMENT])
    const extended = await extend(worldOf())
    const ended = policyWith({}, { logKeys: extended.logKeys.slice(0, 1) })
    const verdict = async (policy: Policy, signer: Signer, ...beside: readonly Signer[]) => {
      const receipt = await world.receipt(2, { signer, beside })
      const { verdict, checks } = await verify({ receipt, policy, chain: [chainWith(world)], trust: 'policy' })
      return [verdict, checks.find(({ name }) => name === 'checkpoint')?.code]
    }
    const forger: Signer = { vkey: LOG.vkey, sign: message => NEXT.sign(message) }
    const [good, refused] = [
      ['anchored', undefined],
      ['invalid', 'NOTE_UNSIGNED'],
    ]
    deepEqual([await verdict(extended, LOG), await verdict(extended, NEXT), await verdict(extended, NEXT, LOG)], [refused, good, good])
    // Neither is it read: a false signature in its name harms nothing.
    deepEqual([await verdict(extended, NEXT, forger), await verdict(extended, forger, NEXT)], [good, good])
    deepEqual([await verdict(ended, LOG), await verdict(ended, NEXT, LOG)], [refused, refused])
    // A policy that was not extended knows no end: it goes on while both sign, and not after.
    deepEqual([await verdict(POLICY, NEXT, LOG), await verdict(POLICY, NEXT)], [good, refused])
  })

  it('requires the cosignatures that the policy asks for', async () => {
    const policy = policyWith({}, { witnesses: WITNESSES.map(({ vkey }) => formatVkey(vkey)), quorum: 2 })
    await refuses('EXTEND_UNPROVEN', {}, { policy, witnesses: WITNESSES.slice(1) })
    deepEqual((await extend(worldOf(), { policy, witnesses: WITNESSES })).logKeys.length, 2)
  })

  describe('by a change of anchors', () => {
    const place = ({ chainId = 1 } = {}) => {
      const { type, contract, codeSha256, logId } = ANCHOR
      return { type, chainId, contract, codeSha256, logId }
    }
    const changeTo = (...anchors: readonly ReturnType<typeof place>[]): AnyStatement => ({
      type: 'openseal/anchors@v1',
      origin: ORIGIN,
      anchors,
      created: '2026-11-20T00:00:00Z',
      salt: 'A'.repeat(43),
    })
    const follow = async (
      world: World,
      indexes: readonly number[],
      given: { policy?: Policy; terms?: AnchorTerms; chain?: readonly ChainReader[] } = {},
    ) => {
      const told: FollowedAnchors[] = []
      const receipts = await Promise.all(indexes.map(index => world.receipt(index)))
      const { policy = POLICY, chain = [chainWith(world)], terms } = given
      const extended = await extendPolicy(policy, receipts, chain, { terms, onAnchors: change => told.push(change) })
      return { extended, told }
    }
    const TERMS = { production: true, finality: { confirmations: 12 } } as const

    it('tells what it would add and retire, and takes nothing over by itself', async () => {
      const world = createWorld([GENESIS, changeTo(place({ chainId: 10 }))])
      const { extended, told } = await follow(world, [1])
      deepEqual(extended, POLICY)
      deepEqual(
        told.map(({ index, added, retired }) => [index, added.map(({ chainId }) => chainId), retired.map(({ chainId }) => chainId)]),
        [[1, [10], [1]]],
      )
    })

    it('counts an added anchor from index + 2, by the reader’s own terms, and ends a retired one at index + 1', async () => {
      const world = createWorld([GENESIS, changeTo(place({ chainId: 10 }))])
      const { extended } = await follow(world, [1], { terms: TERMS })
      deepEqual(extended.anchors, [
        { ...ANCHOR, toSize: 2 },
        { ...place({ chainId: 10 }), ...TERMS, fromSize: 3 },
      ])
    })

    it('says nothing of a change that the policy has, even after a later one', async () => {
      const world = createWorld([GENESIS, changeTo(place(), place({ chainId: 10 })), changeTo(place())])
      const { extended } = await follow(world, [1, 2], { terms: TERMS })
      deepEqual(
        extended.anchors.map(anchor => ('chainId' in anchor ? [anchor.chainId, anchor.fromSize, anchor.toSize] : [])),
        [
          [1, 0, undefined],
          [10, 3, 3],
        ],
      )
      const again = await follow(world, [1, 2], { policy: extended, terms: TERMS, chain: [] })
      deepEqual([again.extended, again.told], [extended, []])
    })

    it('drops a retired anchor that was to count only after the change', async () => {
      const policy = policyWith({}, { anchors: [ANCHOR, { ...ANCHOR, chainId: 10, fromSize: 3 }] })
      const { extended } = await follow(createWorld([GENESIS, changeTo(place())]), [1], { policy, terms: TERMS })
      deepEqual(extended.anchors, [ANCHOR])
    })

    it('believes none that the policy’s own chain does not vouch for, or that is for another ledger', async () => {
      const world = createWorld([GENESIS, changeTo(place({ chainId: 10 }))])
      await rejects(follow(world, [1], { terms: TERMS, chain: [createChain({})] }), { code: 'EXTEND_NOT_ANCHORED' })
      await rejects(follow(world, [1], { chain: [] }), { code: 'EXTEND_UNCHECKED' })
      await rejects(follow(world, [1], { terms: TERMS, chain: [chainWith(world, { chainId: 10 })] }), { code: 'EXTEND_UNCHECKED' })
      const elsewhere = createWorld([GENESIS, { ...changeTo(place({ chainId: 10 })), origin: 'other.example' } as AnyStatement])
      await rejects(follow(elsewhere, [1], { terms: TERMS }), { code: 'EXTEND_OTHER_LEDGER' })
    })
  })
})
