// Inclusion on chain: every leaf of every small tree, and nothing else.
import assert from 'node:assert/strict'
import { type Deployment, deploy, ZERO_WORD } from './deployment.ts'
import { consistencyOf, damaged, type Hex, hashNode, leaves, pathOf, rootOf } from './tree.ts'

const LARGEST = 40
const LEAVES = leaves(LARGEST)
const tree = (size: number) => LEAVES.slice(0, size)
const ROOTS = Array.from({ length: LARGEST + 1 }, (_, size) => rootOf(tree(size)))
const MAX_UINT64 = 2n ** 64n - 1n

describe('CheckpointAnchor: inclusion', () => {
  let deployment: Deployment
  let logId: Hex

  before(async () => {
    deployment = await deploy()
    logId = await deployment.openLog(deployment.accounts[0]!, 'inclusion')
    for (let size = 1; size <= LARGEST; size++)
      await deployment.contract.anchor!(logId, size, ROOTS[size], consistencyOf(size - 1, tree(size)))
  })
  after(() => deployment.close())

  type Claim = { logId: Hex; size: number | bigint; root: Hex; index: number | bigint; leafHash: Hex; proof: Hex[] }
  const claimOf = (index: number, size: number): Claim => ({
    logId,
    size,
    root: ROOTS[size]!,
    index,
    leafHash: LEAVES[index]!,
    proof: pathOf(index, tree(size)),
  })
  const holds = (c: Claim): Promise<boolean> =>
    deployment.contract.verifyInclusion!(c.logId, c.size, c.root, c.index, c.leafHash, c.proof) as Promise<boolean>

  it(`holds for every index of every tree up to ${LARGEST}, and for no neighbour's`, async () => {
    for (let size = 1; size <= LARGEST; size++) {
      for (let index = 0; index < size; index++) {
        const claim = claimOf(index, size)
        assert.equal(await holds(claim), true, `${index} of ${size}`)
        assert.equal(await holds({ ...claim, index: index + 1 }), false, `${index} of ${size} as the next index`)
      }
    }
  })

  it('is false for a proof with one hash too few or too many', async () => {
    for (let size = 1; size <= LARGEST; size++) {
      for (let index = 0; index < size; index += 3) {
        const claim = claimOf(index, size)
        assert.equal(await holds({ ...claim, proof: [...claim.proof, ROOTS[1]!] }), false)
        if (claim.proof.length > 0) assert.equal(await holds({ ...claim, proof: claim.proof.slice(0, -1) }), false)
      }
    }
  })

  it('is false, and never a revert, for each argument damaged', async () => {
    for (const [index, size] of [
      [0, 1],
      [6, 7],
      [11, 23],
      [39, 40],
    ] as const) {
      const claim = claimOf(index, size)
      const wrong: Claim[] = [
        { ...claim, logId: damaged(logId) },
        { ...claim, size: size - 1 },
        { ...claim, size: 0 },
        { ...claim, size: MAX_UINT64 },
        { ...claim, root: damaged(claim.root) },
        { ...claim, root: ROOTS[size - 1]! },
        { ...claim, index: size },
        { ...claim, index: MAX_UINT64 },
        { ...claim, leafHash: damaged(claim.leafHash) },
        ...claim.proof.map((hash, i) => ({ ...claim, proof: claim.proof.with(i, damaged(hash)) })),
        { ...claim, proof: Array.from({ length: 200 }, () => ZERO_WORD) },
      ]
      for (const w of wrong)
        assert.equal(
          await holds(w),
          false,
          JSON.stringify(w, (_, v) => (typeof v === 'bigint' ? String(v) : v)),
        )
    }
  })

  it('is false for a tree that was not anchored in this log, though the proof fits', async () => {
    const more = leaves(LARGEST + 1)
    const claim = { logId, size: more.length, root: rootOf(more), index: 3, leafHash: more[3]!, proof: pathOf(3, more) }
    assert.equal(await holds(claim), false)
    await deployment.contract.anchor!(await deployment.openLog(deployment.accounts[0]!, 'another'), more.length, claim.root, [])
    assert.equal(await holds(claim), false)
    await deployment.contract.anchor!(logId, more.length, claim.root, consistencyOf(LARGEST, more))
    assert.equal(await holds(claim), true)
  })

  it('does not take an inner node for a leaf', async () => {
    const claim = claimOf(0, 8)
    const inner = hashNode(LEAVES[0]!, LEAVES[1]!)
    for (let index = 0; index < 8; index++) {
      assert.equal(await holds({ ...claim, index, leafHash: inner, proof: claim.proof.slice(1) }), false)
      assert.equal(await holds({ ...claim, index, leafHash: inner }), false)
    }
  })

  it('holds for old trees after newer ones, and for a closed log', async () => {
    const closing = await deployment.openLog(deployment.accounts[0]!, 'closing')
    await deployment.contract.anchor!(closing, 5, ROOTS[5], [])
    await deployment.contract.anchor!(closing, 9, ROOTS[9], consistencyOf(5, tree(9)))
    await deployment.contract.closeLog!(closing, 5, ZERO_WORD)
    assert.equal(await holds({ ...claimOf(2, 5), logId: closing }), true)
    assert.equal(await holds({ ...claimOf(7, 9), logId: closing }), true)
  })
})
